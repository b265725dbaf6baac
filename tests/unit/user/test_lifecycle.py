"""What time and events bring in an account's life: mails with links, and organizations that are purged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.chassis.bus.bus import Event
from services.chassis.principal import Principal
from services.user import consumers, events
from services.user.domain import (
    Membership,
    Organization,
    OrganizationNotFound,
    OrganizationPurged,
    Role,
    User,
    UserDeactivated,
    UserDeleted,
    UserState,
    membership_name,
)
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Parts

ADA = "users/usr_ada"
ACME, LATER = "organizations/org_acme", "organizations/org_later"


@pytest.fixture
def store() -> FakeUserStore:
    store = FakeUserStore()
    store.tables.users[ADA] = User(ADA, "ada@example.com", "Ada", NOON, NOON)
    return store


@pytest.fixture
def parts(store: FakeUserStore, time: Time) -> Parts:
    return Parts(store.ports, time)


async def heard(parts: Parts, topic: str, subject: str, event_id: str = "evt_1") -> None:
    event = Event(event_id, "services/x", topic, subject, NOON, b"")
    await consumers.mails(parts.lifecycle).handle(event)


@pytest.mark.parametrize(
    ("leave", "kind", "subject"),
    [
        ("deactivate_user", UserDeactivated, "Your account is deactivated"),
        ("delete_user", UserDeleted, "Your account is deleted"),
    ],
)
async def test_whoever_leaves_is_mailed_the_way_back(
    parts: Parts, store: FakeUserStore, leave: str, kind: type, subject: str
) -> None:
    await getattr(parts.lifecycle, leave)("users/me", "", Principal(ADA))
    [event] = store.events
    announced = events.announcement(event)

    await heard(parts, announced.topic, announced.subject)

    [mail] = parts.mailer.sent.values()
    assert isinstance(event, kind)
    assert (mail.to, mail.subject) == ("ada@example.com", subject)
    assert parts.restore_links.url(store.tables.users[ADA]) in mail.text


async def test_a_sign_in_has_the_link_sent_again_and_one_event_sends_one_mail(parts: Parts) -> None:
    await parts.lifecycle.deactivate_user("users/me", "", Principal(ADA))

    await heard(parts, "auth.v1.restore_requested", ADA, "evt_1")
    await heard(parts, "auth.v1.restore_requested", ADA, "evt_1")
    await heard(parts, "auth.v1.restore_requested", ADA, "evt_2")

    assert (list(parts.mailer.sent), parts.mailer.count) == (["evt_1", "evt_2"], 2)


async def test_who_is_back_is_sent_nothing(parts: Parts) -> None:
    await heard(parts, "auth.v1.restore_requested", ADA)

    assert parts.mailer.count == 0


async def test_an_organization_is_purged_when_its_time_has_come_and_not_before(
    parts: Parts, store: FakeUserStore, time: Time
) -> None:
    for name, due in ((ACME, NOON + timedelta(days=30)), (LATER, NOON + timedelta(days=31))):
        store.tables.organizations[name] = Organization(name, "X", NOON, NOON, NOON, due)
        store.tables.memberships[membership_name(name, ADA)] = Membership(name, ADA, Role.OWNER, NOON, NOON)
    time.move(days=30, seconds=-1)
    assert (await parts.lifecycle.purge_organizations(), store.events) == (False, [])

    time.move(seconds=1)
    assert [await parts.lifecycle.purge_organizations() for _ in range(2)] == [True, False]

    assert store.events == [OrganizationPurged(ACME, time())]
    assert (list(store.tables.organizations), list(store.tables.memberships)) == ([LATER], [membership_name(LATER, ADA)])


async def test_a_large_one_goes_some_rows_at_a_time_and_is_told_of_at_the_end(parts: Parts, store: FakeUserStore) -> None:
    store.tables.organizations[ACME] = Organization(ACME, "X", NOON, NOON, NOON, NOON)
    for number in range(750):
        name = f"users/usr_{number}"
        user = User(name, f"{number}@example.com", "X", NOON, NOON, state=UserState.PROVISIONED, provisioned_by=ACME)
        store.tables.users[name] = user
        store.tables.memberships[membership_name(ACME, name)] = Membership(ACME, name, Role.MEMBER, NOON, NOON)

    for left in (1000, 500, 0):
        assert await parts.lifecycle.purge_organizations() is True
        assert len(store.tables.memberships) + len([name for name in store.tables.users if name != ADA]) == left
        assert (store.events, list(store.tables.organizations)) == ([], [ACME])

    assert [await parts.lifecycle.purge_organizations() for _ in range(2)] == [True, False]
    assert store.events == [OrganizationPurged(ACME, NOON)]
    assert store.tables.organizations == {}


async def test_one_that_is_being_purged_does_not_come_back(parts: Parts, store: FakeUserStore, time: Time) -> None:
    store.tables.organizations[ACME] = Organization(ACME, "X", NOON, NOON, NOON, NOON + timedelta(days=30))
    time.move(days=30)

    with pytest.raises(OrganizationNotFound):
        await parts.organizations.undelete_organization(ACME)
