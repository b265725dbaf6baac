"""The promises of the port of teams, held by the fake and by PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.chassis.lists import ListQuery
from services.user.domain import (
    MembershipNotFound,
    Role,
    Team,
    TeamExists,
    TeamMember,
    TeamMemberExists,
    TeamMemberNotFound,
    TeamNotFound,
)
from tests.conftest import NOON
from tests.contract.user.test_store import ACME, ADA, BOB, EVE, HIDDEN, fill
from tests.fakes.user import Ports

OPS, DEVS, CORE = (f"{ACME}/teams/team_{name}" for name in ("ops", "devs", "core"))


def team(name: str, inside: str = "", display_name: str = "") -> Team:
    return Team(name, display_name or name.rpartition("_")[2], NOON, NOON, "what for", inside)


async def fill_teams(ports: Ports) -> None:
    """CORE inside DEVS inside OPS; Bob is in CORE."""
    await fill(ports)
    async with ports.begin() as tx:
        await tx.teams.add(team(OPS))
        await tx.teams.add(team(DEVS, OPS))
        await tx.teams.add(team(CORE, DEVS))
        await tx.teams.add_member(TeamMember(CORE, BOB, NOON))
        await tx.commit()


async def test_what_was_committed_is_read_back_whole(ports: Ports) -> None:
    await fill_teams(ports)

    assert await ports.teams.get(DEVS) == team(DEVS, OPS)
    with pytest.raises(TeamNotFound):
        await ports.teams.get(f"{ACME}/teams/team_nothing")


async def test_the_place_of_a_team_is_known(ports: Ports) -> None:
    await fill_teams(ports)

    async with ports.begin() as tx:
        assert await tx.teams.around(CORE) == [CORE, DEVS, OPS]
        assert await tx.teams.around("organizations/org_acme/teams/team_nothing") == []
        assert [await tx.teams.height(name) for name in (OPS, DEVS, CORE)] == [3, 2, 1]
        assert [await tx.teams.count_inside(name) for name in (OPS, CORE)] == [1, 0]


async def test_a_name_is_taken_in_its_organization_only(ports: Ports) -> None:
    await fill_teams(ports)

    async with ports.begin() as tx:
        await tx.teams.add(team(f"{HIDDEN}/teams/team_ops"))
        await tx.commit()
    with pytest.raises(TeamExists):
        async with ports.begin() as tx:
            await tx.teams.add(team(f"{ACME}/teams/team_other", display_name="OPS"))
    with pytest.raises(TeamExists):
        async with ports.begin() as tx:
            await tx.teams.save(replace(team(CORE, DEVS), display_name="Devs"))


async def test_a_membership_knows_its_teams_also_by_nesting(ports: Ports) -> None:
    await fill_teams(ports)

    assert (await ports.memberships.resolve(ACME, BOB)).teams == (CORE, DEVS, OPS)
    assert (await ports.memberships.resolve(ACME, ADA)).teams == ()


async def test_who_leaves_the_organization_leaves_its_teams(ports: Ports) -> None:
    await fill_teams(ports)

    async with ports.begin() as tx:
        await tx.memberships.remove(f"{ACME}/memberships/usr_bob")
        await tx.commit()

    assert (await ports.teams.list_members(CORE, ListQuery())).items == []


async def test_a_team_goes_with_its_list_of_members(ports: Ports) -> None:
    await fill_teams(ports)

    async with ports.begin() as tx:
        await tx.teams.remove(CORE)
        await tx.commit()

    assert (await ports.teams.list_members(CORE, ListQuery())).items == []
    assert (await ports.memberships.resolve(ACME, BOB)).role is Role.MEMBER


async def test_only_members_join_and_once(ports: Ports) -> None:
    await fill_teams(ports)

    with pytest.raises(MembershipNotFound):
        async with ports.begin() as tx:
            await tx.teams.add_member(TeamMember(CORE, EVE, NOON))
    with pytest.raises(TeamMemberExists):
        async with ports.begin() as tx:
            await tx.teams.add_member(TeamMember(CORE, BOB, NOON))
    with pytest.raises(TeamMemberNotFound):
        async with ports.begin() as tx:
            await tx.teams.get_member(f"{OPS}/members/usr_bob")


async def test_lists_filter_and_order(ports: Ports) -> None:
    await fill_teams(ports)

    found = await ports.teams.list(ACME, ListQuery(filter='parent_team != ""', order_by="display_name desc"))
    members = await ports.teams.list_members(CORE, ListQuery(filter=f'user = "{BOB}"'))

    assert [each.name for each in found.items] == [DEVS, CORE]
    assert members.items == [TeamMember(CORE, BOB, NOON)]
