"""AuthService.SignUp."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from services.auth.domain import Account, SignUpRepeated, VerificationRequested
from tests.component.refusals import refusal
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import PASSWORD, WEB_URL, AuthProcess
from trellis.auth.v1 import service_pb2 as rpc

ADA = "ada@example.com"


def request(**values: object) -> rpc.SignUpRequest:
    return rpc.SignUpRequest(**{"email": ADA, "password": PASSWORD, "display_name": "Ada", **values})  # type: ignore[arg-type]


async def test_keeps_the_wish_and_sends_a_link(service: AuthProcess, store: FakeAuthStore) -> None:
    answer = await service.auth.SignUp(request(email="Ada@Example.com"))

    assert answer == rpc.SignUpResponse()
    [sign_up] = store.tables.sign_ups.values()
    assert (sign_up.email, sign_up.display_name, sign_up.password_hash) == (ADA, "Ada", f"new:{PASSWORD}")
    assert store.tables.accounts == {}
    assert store.events == [VerificationRequested(sign_up.id)]

    await service.parts.deliver(store.events[0])

    [mail] = service.parts.mailer.sent.values()
    token = service.parts.token_in_mail(ADA)
    assert mail.to == ADA
    assert f"{WEB_URL}/verify?token={token}\n" in mail.text
    assert "Ada" not in mail.text, "words of whoever signed up reach a stranger's inbox"


async def test_an_address_with_an_account_gets_the_same_answer_and_its_owner_a_mail(
    service: AuthProcess, store: FakeAuthStore, ada: Account
) -> None:
    answer = await service.auth.SignUp(request())

    assert answer == rpc.SignUpResponse()
    assert store.tables.sign_ups == {}
    assert store.events == [SignUpRepeated(ada.user)]
    assert service.parts.passwords.hashed == [PASSWORD], "the time would tell"

    await service.parts.deliver(store.events[0])

    [mail] = service.parts.mailer.sent.values()
    assert (mail.to, mail.subject) == (ADA, "You already have an account")
    assert "verify?token" not in mail.text


async def test_each_sign_up_of_an_address_has_a_link_of_its_own(service: AuthProcess, store: FakeAuthStore) -> None:
    await service.auth.SignUp(request())
    await service.auth.SignUp(request(password="another long password"))

    assert [s.password_hash for s in store.tables.sign_ups.values()] == [f"new:{PASSWORD}", "new:another long password"]


async def test_the_same_password_however_it_was_composed(service: AuthProcess, store: FakeAuthStore) -> None:
    await service.auth.SignUp(request(password="cafe\u0301 au lait, deux"))

    [sign_up] = store.tables.sign_ups.values()
    assert sign_up.password_hash == "new:caf\u00e9 au lait, deux"


@pytest.mark.parametrize("password", ["PasswordPassword", "aaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", ADA, "ADA@example.com"])
async def test_refuses_what_attackers_try_first(service: AuthProcess, store: FakeAuthStore, password: str) -> None:
    refused = await refusal(service.auth.SignUp(request(password=password)))

    assert (refused.code, refused.reason, refused.domain) == (
        StatusCode.INVALID_ARGUMENT,
        "PASSWORD_TOO_COMMON",
        "trellis.auth",
    )
    assert store.tables.sign_ups == {}
    assert store.events == []


async def test_names_every_malformed_field(service: AuthProcess, store: FakeAuthStore) -> None:
    malformed = request(email="no address", password="too short", display_name="", request_id="no uuid")

    refused = await refusal(service.auth.SignUp(malformed))

    assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID")
    assert refused.fields == ["email", "password", "display_name", "request_id"]
    assert store.events == []
    assert service.parts.passwords.hashed == []


async def test_validate_only_changes_nothing(service: AuthProcess, store: FakeAuthStore) -> None:
    assert await service.auth.SignUp(request(validate_only=True)) == rpc.SignUpResponse()

    assert store.tables.sign_ups == {}
    assert store.events == []
