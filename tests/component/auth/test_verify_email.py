"""AuthService.VerifyEmail."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from services.auth.domain import AccountCreated
from tests.component.refusals import Refusal, refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import PASSWORD, AuthProcess
from trellis.auth.v1 import service_pb2 as rpc

ADA = "ada@example.com"


async def link(service: AuthProcess, store: FakeAuthStore, password: str = PASSWORD) -> str:
    """Sign up and return the token of the mail."""
    await service.auth.SignUp(rpc.SignUpRequest(email=ADA, password=password, display_name="Ada"))
    await service.parts.deliver(store.events[-1])
    return service.parts.token_in_mail(ADA)


def following(token: str, password: str = PASSWORD, *, validate_only: bool = False) -> rpc.VerifyEmailRequest:
    """Return the request of somebody who follows a link."""
    return rpc.VerifyEmailRequest(token=token, password=password, validate_only=validate_only)


def assert_invalid(refused: Refusal) -> None:
    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "VERIFICATION_INVALID")


async def test_makes_the_account(service: AuthProcess, store: FakeAuthStore, time: Time) -> None:
    token = await link(service, store)
    time.move(hours=1)

    account = await service.auth.VerifyEmail(following(token))

    now = Timestamp()
    now.FromDatetime(time())
    assert account.user.startswith("users/usr_")
    assert (account.email, account.display_name, account.create_time) == (ADA, "Ada", now)
    assert store.events[-1] == AccountCreated(account.user, ADA, "Ada", time())
    assert store.tables.accounts[account.user].password_hash == f"new:{PASSWORD}"


async def test_a_link_works_once(service: AuthProcess, store: FakeAuthStore) -> None:
    token = await link(service, store)
    await service.auth.VerifyEmail(following(token))

    assert_invalid(await refusal(service.auth.VerifyEmail(following(token))))
    assert len(store.tables.accounts) == 1


async def test_a_link_uses_up_the_others_of_its_address(service: AuthProcess, store: FakeAuthStore) -> None:
    first, second = await link(service, store, "a first long password"), await link(service, store)

    await service.auth.VerifyEmail(following(second))

    assert_invalid(await refusal(service.auth.VerifyEmail(following(first, "a first long password"))))
    [account] = store.tables.accounts.values()
    assert account.password_hash == f"new:{PASSWORD}"


async def test_a_link_ends_after_a_day(service: AuthProcess, store: FakeAuthStore, time: Time) -> None:
    token = await link(service, store)
    time.move(hours=24)

    assert_invalid(await refusal(service.auth.VerifyEmail(following(token))))
    assert store.tables.accounts == {}


@pytest.mark.parametrize(
    "forge", ["garbage", "vrf_", "vrf_{id}", "vrf_{id}.", "vrf_{id}.AAAA", "trr_{id}.{mac}", "vrf_sup_x.{mac}"]
)
async def test_refuses_forged_links(service: AuthProcess, store: FakeAuthStore, forge: str) -> None:
    good = await link(service, store)
    sign_up, _, mac = good.removeprefix("vrf_").partition(".")

    forged = forge.format(id=sign_up, mac=mac)

    assert_invalid(await refusal(service.auth.VerifyEmail(following(forged))))
    assert store.tables.accounts == {}


async def test_validate_only_leaves_the_link_good(service: AuthProcess, store: FakeAuthStore) -> None:
    token = await link(service, store)

    await service.auth.VerifyEmail(following(token, validate_only=True))

    assert store.tables.accounts == {}
    await service.auth.VerifyEmail(following(token))
    assert len(store.tables.accounts) == 1


async def test_names_what_is_missing(service: AuthProcess) -> None:
    refused = await refusal(service.auth.VerifyEmail(rpc.VerifyEmailRequest()))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["token", "password"])


async def test_nobody_gets_an_account_whose_password_a_stranger_chose(service: AuthProcess, store: FakeAuthStore) -> None:
    strangers = await link(service, store, "a password of Eve's choice")

    refused = await refusal(service.auth.VerifyEmail(following(strangers)))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "PASSWORD_WRONG", ["password"])
    assert store.tables.accounts == {}
    await service.auth.VerifyEmail(following(await link(service, store)))
    [account] = store.tables.accounts.values()
    assert account.password_hash == f"new:{PASSWORD}"


async def test_a_link_stays_good_after_a_wrong_password(service: AuthProcess, store: FakeAuthStore) -> None:
    token = await link(service, store)
    await refusal(service.auth.VerifyEmail(following(token, "mistyped, and long enough")))

    await service.auth.VerifyEmail(following(token))

    assert len(store.tables.accounts) == 1
