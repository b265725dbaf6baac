"""AuthService.ResendVerification."""

from __future__ import annotations

from grpc import StatusCode

from services.auth.domain import Account, VerificationRequested
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import PASSWORD, AuthProcess
from trellis.auth.v1 import service_pb2 as rpc

ADA = "ada@example.com"


async def sign_up(service: AuthProcess) -> None:
    await service.auth.SignUp(rpc.SignUpRequest(email=ADA, password=PASSWORD, display_name="Ada"))


async def resend(service: AuthProcess, email: str = ADA) -> rpc.ResendVerificationResponse:
    return await service.auth.ResendVerification(rpc.ResendVerificationRequest(email=email))


async def test_sends_another_mail_with_the_same_link(service: AuthProcess, store: FakeAuthStore) -> None:
    await sign_up(service)

    assert await resend(service, "ADA@example.com") == rpc.ResendVerificationResponse()

    first, second = store.events
    assert first == second == VerificationRequested(next(iter(store.tables.sign_ups)))
    await service.parts.deliver(first)
    token = service.parts.token_in_mail(ADA)
    await service.parts.deliver(second)
    assert service.parts.token_in_mail(ADA) == token
    assert len(service.parts.mailer.sent) == 2


async def test_says_the_same_and_sends_nothing_where_nothing_waits(
    service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    assert await resend(service, "nobody@example.com") == rpc.ResendVerificationResponse()
    assert await resend(service, ada.email) == rpc.ResendVerificationResponse()

    for event in store.events:  # as many as if something waited: the time it takes is not to tell
        await service.parts.deliver(event)
    assert len(store.events) == 2
    assert service.parts.mailer.sent == {}


async def test_an_expired_sign_up_is_over(service: AuthProcess, store: FakeAuthStore, time: Time) -> None:
    await sign_up(service)
    time.move(hours=24)

    assert await resend(service) == rpc.ResendVerificationResponse()

    _, asked_again = store.events
    await service.parts.deliver(asked_again)
    assert service.parts.mailer.sent == {}


async def test_a_mail_asked_for_before_the_link_was_followed_is_not_sent_after(
    service: AuthProcess, store: FakeAuthStore
) -> None:
    await sign_up(service)
    [requested] = store.events
    await service.parts.deliver(requested)
    await service.auth.VerifyEmail(rpc.VerifyEmailRequest(token=service.parts.token_in_mail(ADA), password=PASSWORD))

    await service.parts.deliver(requested)

    assert len(service.parts.mailer.sent) == 1


async def test_names_a_malformed_address(service: AuthProcess, store: FakeAuthStore) -> None:
    refused = await refusal(resend(service, "no address"))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["email"])
