"""AuthService.RequestPasswordReset."""

from __future__ import annotations

from services.auth.domain import Account, PasswordResetRequested
from tests.component.auth.conftest import ADA
from tests.component.refusals import refusal
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import WEB_URL, AuthProcess
from trellis.auth.v1 import service_pb2 as rpc

NEW = "another long password"


async def ask(service: AuthProcess, email: str = ADA) -> rpc.RequestPasswordResetResponse:
    return await service.auth.RequestPasswordReset(rpc.RequestPasswordResetRequest(email=email))


async def test_a_mail_brings_a_link(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    await ask(service, " Ada@Example.com".strip())
    [event] = store.events
    await service.parts.deliver(event)

    [mail] = service.parts.mailer.sent.values()
    token = service.parts.token_in_mail(ADA)
    assert (mail.to, mail.subject) == (ADA, "Choose another password")
    assert f"{WEB_URL}/reset?token={token}\n" in mail.text
    assert isinstance(event, PasswordResetRequested)
    assert event.user == ada.user


async def test_an_unknown_address_gets_the_same_answer_and_no_mail(
    service: AuthProcess, store: FakeAuthStore, ada: Account
) -> None:
    assert await ask(service, "nobody@example.com") == await ask(service)

    unknown, known = store.events
    assert (unknown.user, known.user) == ("", ada.user)
    await service.parts.deliver(unknown)
    assert service.parts.mailer.sent == {}


async def test_refuses_what_is_no_address(service: AuthProcess) -> None:
    assert (await refusal(ask(service, "ada"))).fields == ["email"]
