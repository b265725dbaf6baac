"""AuthService.ResetPassword."""

from __future__ import annotations

from datetime import timedelta

from grpc import StatusCode

from services.auth.domain import Account, Cause, PasswordChanged
from tests.component.auth.conftest import ADA
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import PASSWORD, RESET_LIFETIME, AuthProcess
from trellis.auth.v1 import service_pb2 as rpc

NEW = "another long password"


async def link(service: AuthProcess, store: FakeAuthStore) -> str:
    """Return the token of a new reset mail to Ada."""
    await service.auth.RequestPasswordReset(rpc.RequestPasswordResetRequest(email=ADA))
    await service.parts.deliver(store.events[-1])
    return service.parts.token_in_mail(ADA)


async def reset(service: AuthProcess, token: str, new: str = NEW) -> rpc.ResetPasswordResponse:
    request = rpc.ResetPasswordRequest(token=token, new_password=new)
    return await service.auth.ResetPassword(request)


async def test_a_link_gives_another_password_and_ends_every_session(
    service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    lost = await service.sign_in()
    token = await link(service, store)

    await reset(service, token)

    assert store.tables.causes == {lost.session: Cause.REVOKED}
    assert store.events[-1] == PasswordChanged(ada.user, "", time())
    assert (await refusal(service.sign_in())).reason == "CREDENTIALS_INVALID"
    assert (await service.sign_in(password=NEW)).user == ada.user


async def test_a_link_works_once_and_dies_with_the_password(
    service: AuthProcess, store: FakeAuthStore, ada: Account
) -> None:
    first, second = await link(service, store), await link(service, store)
    await reset(service, first)

    for used in (first, second):
        refused = await refusal(reset(service, used, new="yet another password"))
        assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "RESET_INVALID")
    assert store.tables.accounts[ada.user].password_hash == f"new:{NEW}"


async def test_a_link_expires(service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time) -> None:
    token = await link(service, store)
    time.move(minutes=RESET_LIFETIME / timedelta(minutes=1))

    assert (await refusal(reset(service, token))).reason == "RESET_INVALID"


async def test_a_link_opens_one_account(service: AuthProcess, store: FakeAuthStore, ada: Account, bob: Account) -> None:
    token = await link(service, store)

    forged = [token.replace("usr_ada", "usr_bob"), token[:-1], token.replace(".", ".9", 1), "rst_", "", "rst_usr_ada.1.x"]

    for each in forged[:4] + forged[5:]:
        assert (await refusal(reset(service, each))).reason in ("RESET_INVALID", "REQUEST_INVALID")
    assert store.tables.accounts[bob.user].password_hash == f"new:{PASSWORD}"


async def test_refuses_what_attackers_try_first(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    token = await link(service, store)

    assert (await refusal(reset(service, token, new="passwordpassword"))).reason == "PASSWORD_TOO_COMMON"
    await reset(service, token)
