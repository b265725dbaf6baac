"""Use cases where two things happen at once, and accounts that auth announces."""

from __future__ import annotations

import asyncio

import pytest

from services.chassis import repeat
from services.chassis.bus.bus import Event
from services.chassis.principal import Principal
from services.chassis.times import timestamp
from services.user import consumers
from services.user.domain import LastOwner, Membership, Organization, Role, User, UserNotFound, membership_name
from services.user.handlers.memberships import UpdateMembership
from services.user.handlers.users import UpdateUser
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Parts
from trellis.auth.v1 import events_pb2 as auth_events

ACME = "organizations/org_acme"
ADA, BOB = "users/usr_ada", "users/usr_bob"


@pytest.fixture
def store() -> FakeUserStore:
    """ACME with its two owners, Ada and Bob."""
    store = FakeUserStore()
    store.tables.organizations[ACME] = Organization(ACME, "Acme", NOON, NOON)
    for user in (ADA, BOB):
        store.tables.users[user] = User(user, "", "", NOON, NOON)
        store.tables.memberships[membership_name(ACME, user)] = Membership(ACME, user, Role.OWNER, NOON, NOON)
    return store


@pytest.fixture
def parts(store: FakeUserStore, time: Time) -> Parts:
    return Parts(store.ports, time)


def announced(event_id: str, user: str, display_name: str) -> Event:
    created = auth_events.AccountCreated(
        user=user, email="new@example.com", display_name=display_name, create_time=timestamp(NOON)
    )
    return Event(
        id=event_id,
        source="services/auth",
        topic="auth.v1.account_created",
        subject=user,
        time=NOON,
        data=created.SerializeToString(),
    )


async def test_two_owners_who_leave_at_once_leave_one(parts: Parts, store: FakeUserStore) -> None:
    handlers = parts.memberships

    outcomes = await asyncio.gather(
        handlers.delete_membership(membership_name(ACME, ADA), "", Principal(ADA, ACME)),
        handlers.delete_membership(membership_name(ACME, BOB), "", Principal(BOB, ACME)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, LastOwner) for outcome in outcomes) == 1
    assert len(store.tables.memberships) == 1


async def test_two_owners_who_step_back_at_once_leave_one(parts: Parts, store: FakeUserStore) -> None:
    handlers = parts.memberships

    outcomes = await asyncio.gather(
        *(
            handlers.update_membership(UpdateMembership(membership_name(ACME, user), Role.MEMBER, ""), Principal(user, ACME))
            for user in (ADA, BOB)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, LastOwner) for outcome in outcomes) == 1
    assert sorted(each.role for each in store.tables.memberships.values()) == [Role.OWNER, Role.MEMBER]


async def test_an_announced_account_becomes_a_user(parts: Parts, store: FakeUserStore) -> None:
    consumer = consumers.consumer(parts.users)

    await consumer.handle(announced("evt_1", "users/usr_new", "New"))

    assert (consumer.name, list(consumer.topics)) == ("user.accounts", ["auth.v1.account_created"])
    assert store.tables.users["users/usr_new"] == User("users/usr_new", "new@example.com", "New", NOON, NOON)


async def test_an_account_announced_again_changes_nothing(parts: Parts, store: FakeUserStore) -> None:
    consumer = consumers.consumer(parts.users)
    await consumer.handle(announced("evt_1", "users/usr_new", "New"))
    rename = UpdateUser("users/me", {"display_name": "Newer"}, "")
    await parts.users.update_user(rename, Principal("users/usr_new"))

    await consumer.handle(announced("evt_1", "users/usr_new", "New"))
    await consumer.handle(announced("evt_2", "users/usr_new", "New"))

    assert store.tables.users["users/usr_new"].display_name == "Newer"
    assert repeat.current.get() == repeat.NOT_REPEATABLE


async def test_a_newcomer_asked_for_many_times_at_once_is_taken_in_once(parts: Parts, store: FakeUserStore) -> None:
    new = User("users/usr_new", "new@example.com", "New", NOON, NOON)
    parts.accounts.known[new.name] = new

    answers = await asyncio.gather(*(parts.users.get_user("users/me", Principal(new.name)) for _ in range(10)))

    assert answers == [new] * 10
    assert store.tables.users[new.name] == new


async def test_somebody_whom_auth_does_not_know_is_not_made_up(parts: Parts, store: FakeUserStore) -> None:
    with pytest.raises(UserNotFound):
        await parts.users.get_user("users/me", Principal("users/usr_x"))

    assert "users/usr_x" not in store.tables.users


async def test_me_in_a_batch_is_the_caller(parts: Parts) -> None:
    found = await parts.users.batch_get_users([BOB, "users/me"], Principal(ADA, ACME))

    assert [user.name for user in found] == [BOB, ADA]
