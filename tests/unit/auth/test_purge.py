"""What is over goes, some at a time."""

from __future__ import annotations

import pytest

from services.auth.domain import Role, RoleBinding, ServiceAccount
from services.auth.handlers import purge
from services.user.domain import OrganizationPurged
from tests.conftest import NOON, Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import Parts

ACME, OTHER = "organizations/org_acme", "organizations/org_other"


@pytest.fixture
def store(time: Time) -> FakeAuthStore:
    return FakeAuthStore(time)


@pytest.fixture
def parts(store: FakeAuthStore, time: Time) -> Parts:
    return Parts(store.ports, time)


async def test_of_an_organization_that_is_gone_nothing_stays(
    parts: Parts, store: FakeAuthStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    for organization in (ACME, OTHER):
        for number in range(5):
            binding, role = f"{organization}/roleBindings/rbd_{number}", f"{organization}/roles/rol_{number}"
            store.tables.role_bindings[binding] = RoleBinding(
                binding, role, "users/usr_1", f"{organization}/x/{number}", None, "users/usr_1", NOON
            )
            store.tables.roles[role] = Role(role, "Helper", "", frozenset({"users.list"}), NOON, NOON)

    await parts.hear(OrganizationPurged(ACME, NOON))
    rounds = 0
    while await parts.purge.purge_organizations():
        rounds += 1
        assert rounds < 20

    assert rounds == 6, "five and five, two at a time, and a look whether that was all"
    assert {name.partition("/roleBindings/")[0] for name in store.tables.role_bindings} == {OTHER}
    assert {role.organization for role in store.tables.roles.values()} == {OTHER}
    assert store.tables.purged_organizations == {}
    assert store.events == []


async def test_its_keys_and_service_accounts_go_and_nothing_is_shut_out_any_more(parts: Parts, store: FakeAuthStore) -> None:
    robot = f"{ACME}/serviceAccounts/sva_1"
    store.tables.service_accounts[robot] = ServiceAccount(robot, ACME, "Robot", "", "roles/member", NOON, NOON)
    store.tables.deleted_organizations = {ACME, OTHER}

    await parts.hear(OrganizationPurged(ACME, NOON))
    assert await parts.purge.purge_organizations()

    assert not await parts.purge.purge_organizations()
    assert store.tables.service_accounts == {}
    assert store.tables.deleted_organizations == {OTHER}


async def test_a_retired_signing_key_is_deleted(parts: Parts, store: FakeAuthStore, time: Time) -> None:
    await parts.keys.create_first()
    await parts.keys.rotate_signing_keys()
    left = []
    for seconds in (449, 1):
        time.move(seconds=seconds)
        await parts.purge.purge_signing_keys()
        left.append(len(store.tables.signing_keys))

    assert left == [2, 1]
