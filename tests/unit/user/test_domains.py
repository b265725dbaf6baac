"""Domains that are kept, lost, and capture newcomers."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.chassis.bus.bus import Event
from services.chassis.principal import Principal
from services.chassis.times import timestamp
from services.user import consumers
from services.user.domain import (
    Domain,
    DomainLost,
    DomainState,
    Membership,
    MembershipCreated,
    MembershipUpdated,
    Organization,
    Role,
    User,
    membership_name,
)
from services.user.handlers import newcomers
from services.user.handlers.invitations import CreateInvitation
from services.user.handlers.users import UpdateUser
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Parts
from trellis.auth.v1 import events_pb2 as auth_events

ACME, ADA, NEW = "organizations/org_acme", "users/usr_ada", "users/usr_new"
NAME = f"{ACME}/domains/example.com"
RECORD = "_trellis-challenge.example.com"
WEEK = timedelta(days=7)
OWNED = Domain(
    ACME,
    "example.com",
    "dom_1",
    NOON,
    NOON,
    capture=True,
    state=DomainState.VERIFIED,
    verify_time=NOON,
    check_time=NOON,
    seen_time=NOON,
)
VALUE = OWNED.record_value
NEWCOMER = User(NEW, "new@example.com", "New", NOON, NOON)
CAPTURED = Membership(ACME, NEW, Role.MEMBER, NOON, NOON)


@pytest.fixture
def store() -> FakeUserStore:
    """ACME, owned by Ada, with a verified domain that captures."""
    store = FakeUserStore()
    store.tables.organizations[ACME] = Organization(ACME, "Acme", NOON, NOON)
    store.tables.users[ADA] = User(ADA, "ada@example.com", "Ada", NOON, NOON)
    store.tables.memberships[membership_name(ACME, ADA)] = Membership(ACME, ADA, Role.OWNER, NOON, NOON)
    store.tables.domains[NAME] = OWNED
    return store


@pytest.fixture
def parts(store: FakeUserStore, time: Time) -> Parts:
    parts = Parts(store.ports, time)
    parts.accounts.known[NEW] = NEWCOMER
    return parts


def announced(event_id: str = "evt_1", email: str = NEWCOMER.email) -> Event:
    account = auth_events.AccountCreated(user=NEW, email=email, display_name="New", create_time=timestamp(NOON))
    data = account.SerializeToString()
    return Event(id=event_id, source="services/auth", topic="auth.v1.account_created", subject=NEW, time=NOON, data=data)


def memberships_of(store: FakeUserStore, user: str) -> list[Membership]:
    return [each for each in store.tables.memberships.values() if each.user == user]


async def test_somebody_who_signs_up_there_becomes_a_member(parts: Parts, store: FakeUserStore) -> None:
    await consumers.consumer(parts.users).handle(announced())

    assert memberships_of(store, NEW) == [CAPTURED]
    assert store.events == [MembershipCreated(CAPTURED.name, ACME, NEW, Role.MEMBER, NOON)]


async def test_whichever_path_is_first_captures_and_no_other(parts: Parts, store: FakeUserStore) -> None:
    await parts.users.get_user("users/me", Principal(NEW))
    assert memberships_of(store, NEW) == [CAPTURED]

    await parts.memberships.leave_organization(ACME, Principal(NEW, ACME))
    await consumers.consumer(parts.users).handle(announced())
    await parts.users.get_user("users/me", Principal(NEW))

    assert memberships_of(store, NEW) == []


async def test_every_first_step_captures(parts: Parts, store: FakeUserStore) -> None:
    await parts.users.update_user(UpdateUser("users/me", {"display_name": "Newer"}, ""), Principal(NEW))
    assert memberships_of(store, NEW) == [CAPTURED]
    del store.tables.users[NEW], store.tables.memberships[CAPTURED.name]

    own = await parts.organizations.create_organization("Mine", NEW)

    assert {each.organization for each in memberships_of(store, NEW)} == {ACME, own.name}


def test_newcomers_are_written_in_one_place() -> None:
    """Somebody who came in by another way would not be captured."""
    handlers = Path(inspect.getfile(newcomers)).parent

    assert [path.name for path in handlers.glob("*.py") if "users.add(" in path.read_text()] == ["newcomers.py"]


NOT_CAPTURED = {
    "claimed only": replace(OWNED, state=DomainState.UNVERIFIED),
    "not capturing": replace(OWNED, capture=False),
    "another domain": replace(OWNED, hostname="example.org"),
    "its parent": replace(OWNED, hostname="com"),
    "a subdomain": replace(OWNED, hostname="mail.example.com"),
}


@pytest.mark.parametrize("why", NOT_CAPTURED)
async def test_nobody_else_is_captured(parts: Parts, store: FakeUserStore, why: str) -> None:
    store.tables.domains = {NAME: NOT_CAPTURED[why]}

    await consumers.consumer(parts.users).handle(announced())

    assert (memberships_of(store, NEW), NEW in store.tables.users) == ([], True)


async def test_a_deleted_organization_captures_nobody(parts: Parts, store: FakeUserStore) -> None:
    store.tables.organizations[ACME] = replace(store.tables.organizations[ACME], delete_time=NOON)

    await consumers.consumer(parts.users).handle(announced())

    assert (memberships_of(store, NEW), NEW in store.tables.users) == ([], True)


async def test_who_was_captured_and_invited_gets_the_invited_role(parts: Parts, store: FakeUserStore) -> None:
    new = CreateInvitation(ACME, NEWCOMER.email, Role.ADMIN)
    invitation = await parts.invitations.create_invitation(new, Principal(ADA, ACME))

    accepted = await parts.invitations.accept_invitation(parts.links.token(invitation.id), Principal(NEW))

    assert accepted.role is Role.ADMIN
    kinds = [type(event) for event in store.events if isinstance(event, MembershipCreated | MembershipUpdated)]
    assert kinds == [MembershipCreated, MembershipUpdated]


async def test_a_record_that_stays_is_looked_for_once_a_day(parts: Parts, store: FakeUserStore, time: Time) -> None:
    parts.resolver.records[RECORD] = [VALUE]
    time.move(days=1)
    await parts.domains.check_domains()
    assert parts.resolver.asked == []

    time.move(seconds=1)
    await parts.domains.check_domains()
    await parts.domains.check_domains()

    assert parts.resolver.asked == [RECORD]
    assert store.tables.domains[NAME] == replace(OWNED, check_time=time(), seen_time=time())
    assert store.events == []


async def test_a_domain_is_lost_once_its_record_was_gone_for_a_week(parts: Parts, store: FakeUserStore, time: Time) -> None:
    for _ in range(6):
        time.move(days=1, seconds=1)
        await parts.domains.check_domains()
    assert store.tables.domains[NAME].state is DomainState.VERIFIED

    time.move(days=1, seconds=1)
    await parts.domains.check_domains()

    lost = store.tables.domains[NAME]
    assert (lost.state, lost.verify_time, lost.version) == (DomainState.UNVERIFIED, None, 2)
    assert store.events == [DomainLost(NAME, ACME, time())]
    await consumers.consumer(parts.users).handle(announced())
    assert memberships_of(store, NEW) == []


async def test_a_record_that_comes_back_is_forgiven(parts: Parts, store: FakeUserStore, time: Time) -> None:
    for value in ([], [VALUE], []):
        parts.resolver.records[RECORD] = list(value)
        time.move(days=5)
        await parts.domains.check_domains()

    assert store.tables.domains[NAME].state is DomainState.VERIFIED


async def test_all_that_are_due_are_looked_for(parts: Parts, store: FakeUserStore, time: Time) -> None:
    many = [replace(OWNED, hostname=f"n{number:02}.example") for number in range(12)]
    store.tables.domains = {each.name: each for each in many}
    time.move(days=2)

    await parts.domains.check_domains()

    assert sorted(parts.resolver.asked) == [each.record_name for each in many]
    assert {each.check_time for each in store.tables.domains.values()} == {time()}


async def test_silence_is_no_proof_of_absence(parts: Parts, store: FakeUserStore, time: Time) -> None:
    parts.resolver.away = True
    for _ in range(20):
        time.move(days=2)
        await parts.domains.check_domains()

    kept = store.tables.domains[NAME]
    assert (kept.state, kept.check_time, kept.seen_time) == (DomainState.VERIFIED, time(), NOON)


async def test_what_is_gone_meanwhile_is_left_alone(parts: Parts, store: FakeUserStore, time: Time) -> None:
    time.move(days=30)

    class Vanishing:
        async def texts(self, name: str) -> list[str]:
            del store.tables.domains[NAME]
            return []

    parts.resolver = Vanishing()  # type: ignore[assignment]
    await parts.domains.check_domains()

    assert (store.tables.domains, store.events) == ({}, [])
