"""What auth makes of what user says of an account."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.auth.domain import (
    Account,
    AccountDeactivated,
    AccountDeleted,
    Cause,
    CredentialsInvalid,
    RefreshTokenInvalid,
    RestoreRequested,
    SessionRevoked,
)
from services.auth.handlers.sign_ins import SignIn
from services.chassis.errors import ServiceError
from services.user.domain import UserDeactivated, UserDeleted, UserReactivated, UserUndeleted
from tests.conftest import NOON, Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import PASSWORD, Parts

ADA, EMAIL = "users/usr_ada", "ada@example.com"
DEACTIVATED, DELETED = UserDeactivated(ADA, NOON), UserDeleted(ADA, NOON, NOON + timedelta(days=30))


@pytest.fixture
async def store(time: Time) -> FakeAuthStore:
    store = FakeAuthStore(time)
    store.tables.accounts[ADA] = Account(ADA, EMAIL, "Ada", f"new:{PASSWORD}", NOON)
    return store


@pytest.fixture
async def parts(store: FakeAuthStore, time: Time) -> Parts:
    parts = Parts(store.ports, time)
    await parts.keys.create_first()
    return parts


def form(password: str = PASSWORD) -> SignIn:
    return SignIn(EMAIL, password, "", "")


@pytest.mark.parametrize("left", [DEACTIVATED, DELETED])
async def test_every_session_ends_and_gives_no_token_any_more(parts: Parts, store: FakeAuthStore, left: object) -> None:
    issued = [await parts.sign_ins.sign_in(form()) for _ in range(2)]
    store.events.clear()

    await parts.hear(left)

    assert store.events == [SessionRevoked(each.session, NOON, Cause.ACCOUNT_INACTIVE) for each in issued]
    for each in issued:
        with pytest.raises(RefreshTokenInvalid):
            await parts.sign_ins.refresh_token(each.refresh_token)


@pytest.mark.parametrize(("left", "error"), [(DEACTIVATED, AccountDeactivated), (DELETED, AccountDeleted)])
async def test_the_right_password_is_told_why_and_has_a_link_sent(
    parts: Parts, store: FakeAuthStore, left: object, error: type[ServiceError]
) -> None:
    await parts.hear(left)

    with pytest.raises(error):
        await parts.sign_ins.sign_in(form())

    assert (store.events, store.tables.sessions) == ([RestoreRequested(ADA)], {})


async def test_a_wrong_password_is_told_nothing(parts: Parts, store: FakeAuthStore) -> None:
    await parts.hear(DEACTIVATED)

    with pytest.raises(CredentialsInvalid):
        await parts.sign_ins.sign_in(form("wrong"))

    assert store.events == []


@pytest.mark.parametrize(("left", "back"), [(DEACTIVATED, UserReactivated(ADA, NOON)), (DELETED, UserUndeleted(ADA, NOON))])
async def test_who_is_back_signs_in_again(parts: Parts, left: object, back: object) -> None:
    await parts.hear(left)
    await parts.hear(back)

    assert (await parts.sign_ins.sign_in(form())).user == ADA


async def test_hearing_it_twice_ends_nothing_that_began_later(parts: Parts, store: FakeAuthStore) -> None:
    await parts.hear(DEACTIVATED, "evt_1")
    await parts.hear(UserReactivated(ADA, NOON), "evt_2")
    issued = await parts.sign_ins.sign_in(form())

    await parts.hear(UserReactivated(ADA, NOON), "evt_3")

    assert store.tables.sessions[issued.session].revoke_time is None
