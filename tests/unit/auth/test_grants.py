"""What is remembered of what subjects may do, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import pytest

from services.auth.domain import MembershipUnavailable, RoleBinding
from services.auth.handlers.grants import Grants
from services.auth.ports import Bound
from services.auth.wiring import CATALOGUE
from services.chassis.revocations import Revocation, Revocations
from tests.conftest import NOON, Time
from tests.fakes.auth import FakeAuthStore, FakeMemberships, FakeRoleBindings
from trellis.policies import ROLE_PERMISSIONS

ORG, ADA, BOB = "organizations/org_1", "users/usr_ada", "users/usr_bob"
UPDATE = "memberships.update"
ADMIN = RoleBinding(f"{ORG}/roleBindings/rbd_1", "roles/admin", ADA, ORG, None, BOB, NOON)


class SlowRoleBindings(FakeRoleBindings):
    """Has read what there was when it was asked, and answers when it may."""

    def __init__(self, store: FakeAuthStore) -> None:
        super().__init__(lambda: store.tables)
        self.may_answer = asyncio.Event()
        self.asked = asyncio.Event()

    async def of(self, organization: str, subjects: Collection[str]) -> Sequence[Bound]:
        found = await super().of(organization, subjects)
        self.asked.set()
        await self.may_answer.wait()
        return found


@pytest.fixture
def store(time: Time) -> FakeAuthStore:
    return FakeAuthStore(time)


@pytest.fixture
def memberships() -> FakeMemberships:
    found = FakeMemberships()
    found.known[ORG, ADA] = found.known[ORG, BOB] = ROLE_PERMISSIONS["member"]
    return found


@pytest.fixture
def slow(store: FakeAuthStore) -> SlowRoleBindings:
    return SlowRoleBindings(store)


@pytest.fixture
def grants(store: FakeAuthStore, memberships: FakeMemberships, slow: SlowRoleBindings, time: Time) -> Grants:
    return Grants(memberships, store.ports.service_accounts, slow, CATALOGUE, time)


async def test_many_who_ask_at_once_are_one_reading(grants: Grants, slow: SlowRoleBindings) -> None:
    asking = [asyncio.create_task(grants.recent(ORG, ADA)) for _ in range(50)]
    await slow.asked.wait()
    slow.may_answer.set()

    answers = await asyncio.gather(*asking)

    assert slow.reads == 1
    assert all(answer is answers[0] for answer in answers)


async def test_who_stops_waiting_takes_it_from_nobody_else(grants: Grants, slow: SlowRoleBindings) -> None:
    first, second = (asyncio.create_task(grants.recent(ORG, ADA)) for _ in range(2))
    await slow.asked.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    slow.may_answer.set()

    assert (await second).find("users.list", ORG, NOON)
    assert slow.reads == 1


async def test_what_was_being_read_when_something_changed_is_not_kept(
    grants: Grants, slow: SlowRoleBindings, store: FakeAuthStore
) -> None:
    before = asyncio.create_task(grants.recent(ORG, ADA))
    await slow.asked.wait()
    store.tables.role_bindings[ADMIN.name] = ADMIN
    grants.forget(ORG)
    slow.may_answer.set()
    await before

    assert (await grants.recent(ORG, ADA)).find(UPDATE, ORG, NOON)
    assert slow.reads == 2


async def test_a_change_of_one_organization_is_not_one_of_another(
    grants: Grants, slow: SlowRoleBindings, memberships: FakeMemberships
) -> None:
    slow.may_answer.set()
    other = "organizations/org_2"
    memberships.known[other, ADA] = ()
    for organization in (ORG, other):
        await grants.recent(organization, ADA)

    grants.forget(other)
    await grants.recent(ORG, ADA)
    assert slow.reads == 2
    await grants.recent(other, ADA)
    assert slow.reads == 3


async def test_what_ends_the_tokens_of_a_subject_ends_what_is_remembered_of_it(
    grants: Grants, slow: SlowRoleBindings, time: Time
) -> None:
    slow.may_answer.set()
    revocations = Revocations(time)
    revocations.listen(lambda revocation: grants.forget(revocation.organization, revocation.subject))
    for user in (ADA, BOB):
        await grants.recent(ORG, user)

    revocations.add(Revocation(NOON.timestamp(), session=f"{ADA}/sessions/ses_1"))
    revocations.add(Revocation(NOON.timestamp(), subject=ADA, organization="organizations/org_2"))
    await grants.recent(ORG, ADA)
    assert slow.reads == 2

    revocations.add(Revocation(NOON.timestamp(), subject=ADA, organization=ORG))
    for user in (ADA, BOB):
        await grants.recent(ORG, user)
    assert slow.reads == 3

    revocations.add(Revocation(NOON.timestamp(), organization=ORG))
    for user in (ADA, BOB):
        await grants.recent(ORG, user)
    assert slow.reads == 5


async def test_a_failure_is_not_remembered(grants: Grants, slow: SlowRoleBindings, memberships: FakeMemberships) -> None:
    slow.may_answer.set()
    memberships.down = True
    with pytest.raises(MembershipUnavailable):
        await grants.recent(ORG, ADA)
    memberships.down = False

    assert (await grants.recent(ORG, ADA)).find("users.list", ORG, NOON)


async def test_a_token_is_always_made_of_what_is_there_now(
    grants: Grants, slow: SlowRoleBindings, store: FakeAuthStore
) -> None:
    slow.may_answer.set()
    await grants.recent(ORG, ADA)
    store.tables.role_bindings[ADMIN.name] = ADMIN

    assert UPDATE in (await grants.permitted(ORG, ADA)).permissions
