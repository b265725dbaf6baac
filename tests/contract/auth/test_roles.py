"""Where roles and role bindings are kept, by the fake and by PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.auth.domain import Role, RoleBinding, RoleBindingExists, RoleBindingNotFound, RoleNotFound
from services.chassis.errors import InvalidArgument
from services.chassis.lists import ListQuery
from tests.conftest import NOON
from tests.fakes.auth import Ports

ORG, OTHER = "organizations/org_1", "organizations/org_2"
ADA, BOB, TEAM = "users/usr_ada", "users/usr_bob", f"{ORG}/teams/team_1"
ROLE = Role(f"{ORG}/roles/rol_1", "Helper", "Helps.", frozenset({"users.list", "teams.get"}), NOON, NOON, 1)
FOREIGN = replace(ROLE, name=f"{OTHER}/roles/rol_2")
HOUR = timedelta(hours=1)


def binding(
    number: int, role: str = "roles/admin", subject: str = ADA, resource: str = ORG, **values: object
) -> RoleBinding:
    made = RoleBinding(f"{ORG}/roleBindings/rbd_{number}", role, subject, resource, None, BOB, NOON + number * HOUR)
    return replace(made, **values)  # type: ignore[arg-type]


async def add(ports: Ports, *things: Role | RoleBinding) -> None:
    async with ports.begin() as tx:
        for thing in things:
            if isinstance(thing, Role):
                await tx.roles.add(thing)
            else:
                await tx.role_bindings.add(thing)
        await tx.commit()


async def test_roles_are_found_by_name_and_by_organization(ports: Ports) -> None:
    second = replace(ROLE, name=f"{ORG}/roles/rol_3")
    await add(ports, second, ROLE, FOREIGN)

    assert await ports.roles.get(ROLE.name) == ROLE
    assert await ports.roles.of(ORG) == [ROLE, second]
    assert await ports.roles.of("organizations/org_none") == []


async def test_a_role_that_is_not_there(ports: Ports) -> None:
    with pytest.raises(RoleNotFound) as caught:
        await ports.roles.get(ROLE.name)
    assert caught.value.metadata == {"role": ROLE.name}
    async with ports.begin() as tx:
        for read in (tx.roles.lock, tx.roles.keep):
            with pytest.raises(RoleNotFound):
                await read(ROLE.name)


async def test_roles_change_and_go(ports: Ports) -> None:
    await add(ports, ROLE, FOREIGN)
    changed = replace(
        ROLE, display_name="Other", description="", permissions=frozenset({"teams.get"}), update_time=NOON + HOUR, version=2
    )

    async with ports.begin() as tx:
        assert await tx.roles.count(ORG) == 1
        assert await tx.roles.lock(ROLE.name) == ROLE
        await tx.roles.save(changed)
        assert await tx.roles.keep(ROLE.name) == changed
        await tx.roles.remove(FOREIGN.name)
        await tx.commit()

    assert await ports.roles.of(ORG) == [changed]
    assert await ports.roles.of(OTHER) == []


async def test_bindings_are_found_by_name(ports: Ports) -> None:
    await add(ports, binding(1, expire_time=NOON + 9 * HOUR))

    assert await ports.role_bindings.get(binding(1).name) == binding(1, expire_time=NOON + 9 * HOUR)
    with pytest.raises(RoleBindingNotFound) as caught:
        await ports.role_bindings.get(binding(2).name)
    assert caught.value.metadata == {"role_binding": binding(2).name}


async def test_bindings_of_subjects_come_with_what_their_roles_permit(ports: Ports) -> None:
    of_ada, of_team = binding(1), binding(2, ROLE.name, TEAM)
    await add(ports, ROLE, of_team, of_ada, binding(3, subject=BOB))

    assert await ports.role_bindings.of(ORG, (ADA, TEAM)) == [(of_ada, frozenset()), (of_team, ROLE.permissions)]
    assert await ports.role_bindings.of(ORG, ()) == []
    assert await ports.role_bindings.of(OTHER, (ADA, TEAM)) == []


async def test_the_same_exists_once_unless_it_expired(ports: Ports) -> None:
    await add(ports, binding(1, expire_time=NOON + 3 * HOUR))

    with pytest.raises(RoleBindingExists):
        await add(ports, binding(2))
    await add(ports, binding(2, role="roles/owner"), binding(3, subject=BOB), binding(4, resource=TEAM))
    await add(ports, binding(5))

    assert [found.name for found, _ in await ports.role_bindings.of(ORG, (ADA, BOB))] == [
        binding(number).name for number in (2, 3, 4, 5)
    ]


async def test_who_has_a_role_at_a_time(ports: Ports) -> None:
    await add(
        ports,
        binding(1, ROLE.name, BOB),
        binding(2, ROLE.name, BOB, TEAM),
        binding(3, ROLE.name, ADA, expire_time=NOON + 9 * HOUR),
        binding(4, "roles/admin", TEAM),
    )

    async with ports.begin() as tx:
        assert await tx.role_bindings.subjects_of(ROLE.name, at=NOON + 8 * HOUR) == [ADA, BOB]
        assert await tx.role_bindings.subjects_of(ROLE.name, at=NOON + 9 * HOUR) == [BOB]
        await tx.role_bindings.remove_expired(ROLE.name, at=NOON + 9 * HOUR)
        await tx.commit()

    assert [found.name for found, _ in await ports.role_bindings.of(ORG, (ADA, BOB))] == [binding(1).name, binding(2).name]


async def test_what_a_subject_has_and_taking_it_away(ports: Ports) -> None:
    await add(ports, binding(1), binding(2, resource=TEAM), binding(3, subject=BOB))

    async with ports.begin() as tx:
        assert await tx.role_bindings.of_subject(ORG, ADA) == [binding(1), binding(2, resource=TEAM)]
        assert await tx.role_bindings.of_subject(OTHER, ADA) == []
        assert [await tx.role_bindings.count(each, ADA) for each in (ORG, OTHER)] == [2, 0]
        assert await tx.role_bindings.lock(binding(1).name) == binding(1)
        await tx.role_bindings.remove(binding(1).name)
        with pytest.raises(RoleBindingNotFound):
            await tx.role_bindings.lock(binding(1).name)
        await tx.commit()

    assert [found.name for found, _ in await ports.role_bindings.of(ORG, (ADA,))] == [binding(2).name]


async def listed(ports: Ports, **values: object) -> list[str]:
    rows = await ports.role_bindings.list(ORG, ListQuery(**values))  # type: ignore[arg-type]
    return [found.name.rpartition("_")[2] for found in rows.items]


async def test_bindings_are_listed_filtered_and_sorted(ports: Ports) -> None:
    await add(
        ports,
        binding(1),
        binding(2, ROLE.name, TEAM, expire_time=NOON + 9 * HOUR),
        binding(3, subject=BOB, resource=TEAM),
    )

    assert await listed(ports) == ["1", "2", "3"]
    assert await listed(ports, order_by="create_time desc") == ["3", "2", "1"]
    assert await listed(ports, order_by="subject, role desc") == ["2", "1", "3"]
    assert await listed(ports, filter=f'subject = "{TEAM}"') == ["2"]
    assert await listed(ports, filter='role = "roles/admin" AND resource:"teams"') == ["3"]
    assert await listed(ports, filter='expire_time > "2026-01-01T20:00:00Z"') == ["2"]
    assert await listed(ports, filter='create_time < "2026-01-01T14:30:00Z"') == ["1", "2"]
    for wrong in ({"filter": "creator = 1"}, {"order_by": "expire_time"}):
        with pytest.raises(InvalidArgument):
            await listed(ports, **wrong)


async def test_pages_go_on_where_the_last_one_ended(ports: Ports) -> None:
    await add(
        ports,
        *(
            binding(number, resource=f"{ORG}/teams/team_{number % 2}", subject=f"users/usr_{number}")
            for number in range(1, 6)
        ),
    )

    found, after = [], None
    while True:
        rows = await ports.role_bindings.list(ORG, ListQuery(order_by="resource desc", size=2, after=after))
        found += [each.name.rpartition("_")[2] for each in rows.items]
        if (after := rows.next) is None:
            break

    assert found == ["5", "3", "1", "4", "2"]


async def test_what_an_organization_leaves_behind_is_purged_some_at_a_time(ports: Ports) -> None:
    mine = [binding(number, resource=f"{ORG}/teams/team_{number}") for number in range(3)]
    theirs = replace(binding(9), name=f"{OTHER}/roleBindings/rbd_9", resource=OTHER)
    await add(ports, ROLE, FOREIGN, *mine, theirs)
    counts = []
    for _ in range(3):
        async with ports.begin() as tx:
            counts.append((await tx.role_bindings.purge(ORG, 2), await tx.roles.purge(ORG, 2)))
            await tx.commit()

    assert counts == [(2, 1), (1, 0), (0, 0)]
    assert await ports.role_bindings.get(theirs.name) == theirs
    assert await ports.roles.of(OTHER) == [FOREIGN]
