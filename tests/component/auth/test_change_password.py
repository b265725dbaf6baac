"""AuthService.ChangePassword."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from services.auth.domain import Account, Cause, PasswordChanged
from tests.component.auth.conftest import ADA
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import PASSWORD, AuthProcess, bearer
from trellis.auth.v1 import service_pb2 as rpc

NEW = "another long password"


async def change(service: AuthProcess, token: str, current: str = PASSWORD, new: str = NEW) -> rpc.ChangePasswordResponse:
    request = rpc.ChangePasswordRequest(current_password=current, new_password=new)
    return await service.auth.ChangePassword(request, metadata=bearer(token))


async def test_a_new_password_ends_every_other_session(
    service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    here, elsewhere = await service.sign_in(), await service.sign_in()

    await change(service, here.access_token)

    assert store.tables.accounts[ada.user].password_hash == f"new:{NEW}"
    assert store.tables.causes == {elsewhere.session: Cause.REVOKED}
    assert store.events[-1] == PasswordChanged(ada.user, here.session, time())
    assert (await refusal(service.sign_in())).reason == "CREDENTIALS_INVALID"
    assert (await service.sign_in(password=NEW)).user == ada.user


async def test_its_owner_is_told(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    await change(service, (await service.sign_in()).access_token)

    await service.parts.deliver(store.events[-1])

    [mail] = service.parts.mailer.sent.values()
    assert (mail.to, mail.subject) == (ADA, "Your password was changed")


async def test_the_current_password_is_needed(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    tokens = await service.sign_in()

    refused = await refusal(change(service, tokens.access_token, current="not the password"))

    assert (refused.code, refused.reason, refused.fields) == (
        StatusCode.INVALID_ARGUMENT,
        "PASSWORD_WRONG",
        ["current_password"],
    )
    assert store.tables.accounts[ada.user].password_hash == f"new:{PASSWORD}"


async def test_whoever_holds_a_token_cannot_try_passwords_for_long(service: AuthProcess, ada: Account) -> None:
    tokens = await service.sign_in()

    refusals = [await refusal(change(service, tokens.access_token, current=f"guess number {n}")) for n in range(11)]

    assert [refused.reason for refused in refusals] == ["PASSWORD_WRONG"] * 10 + ["RATE_LIMITED"]


@pytest.mark.parametrize(("new", "reason"), [("passwordpassword", "PASSWORD_TOO_COMMON"), ("short", "REQUEST_INVALID")])
async def test_refuses_what_attackers_try_first(
    service: AuthProcess, store: FakeAuthStore, ada: Account, new: str, reason: str
) -> None:
    tokens = await service.sign_in()

    assert (await refusal(change(service, tokens.access_token, new=new))).reason == reason
    assert store.tables.accounts[ada.user].password_hash == f"new:{PASSWORD}"


async def test_a_session_that_ended_changes_nothing(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    tokens = await service.sign_in()
    await service.auth.SignOut(rpc.SignOutRequest(), metadata=bearer(tokens.access_token))

    assert (await refusal(change(service, tokens.access_token))).reason == "SESSION_ENDED"


async def test_somebody_without_an_account_has_no_password(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    tokens = await service.sign_in()
    del store.tables.accounts[ada.user]

    assert (await refusal(change(service, tokens.access_token))).reason == "ACCOUNT_NOT_FOUND"


async def test_refuses_strangers(service: AuthProcess) -> None:
    request = rpc.ChangePasswordRequest(current_password=PASSWORD, new_password=NEW)

    assert (await refusal(service.auth.ChangePassword(request))).code is StatusCode.UNAUTHENTICATED
