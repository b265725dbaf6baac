"""Use cases of teams. Each change holds the organization's lock: two moves at once never make a circle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.chassis import etags
from services.chassis.lists import ListQuery, Rows
from services.user.domain import Team, TeamMember, TeamNotFound, check_nesting, create_team, join_team, organization_of
from services.user.ports import Begin, NewId, Now, Teams, UserTransaction


@dataclass(frozen=True, slots=True)
class CreateTeam:
    """What a new team is to be."""

    organization: str
    display_name: str
    description: str
    parent_team: str


@dataclass(frozen=True, slots=True)
class UpdateTeam:
    """The new values of the fields that change."""

    name: str
    values: dict[str, Any]
    etag: str


@dataclass(frozen=True, slots=True)
class TeamHandlers:
    """What callers can do with teams."""

    teams: Teams
    begin: Begin
    now: Now
    new_id: NewId

    async def create_team(self, new: CreateTeam) -> Team:
        """Raises OrganizationNotFound, OrganizationDeleted, TeamNotFound, TeamNestingInvalid, TeamExists."""
        name = f"{new.organization}/teams/{self.new_id('team')}"
        team, event = create_team(name, new.display_name, new.description, new.parent_team, at=self.now())
        async with self.begin() as tx:
            await _lock(tx, new.organization)
            await _check_place(tx, team, height=1)
            await tx.teams.add(team)
            tx.outbox.add(event)
            await tx.commit(team)
        return team

    async def get_team(self, name: str) -> Team:
        """Raises TeamNotFound."""
        return await self.teams.get(name)

    async def list_teams(self, organization: str, query: ListQuery) -> Rows[Team]:
        """Return a page of the teams of an organization."""
        return await self.teams.list(organization, query)

    async def update_team(self, change: UpdateTeam) -> Team:
        """Raises OrganizationNotFound, OrganizationDeleted, TeamNotFound, TeamNestingInvalid, TeamExists, EtagMismatch."""
        async with self.begin() as tx:
            await _lock(tx, organization_of(change.name))
            team = await tx.teams.get(change.name)
            etags.check(change.etag, team.version, team.name)
            updated, event = team.change(change.values, at=self.now())
            await _check_place(tx, updated, height=await tx.teams.height(team.name))
            await tx.teams.save(updated)
            tx.outbox.add(event)
            await tx.commit(updated)
        return updated

    async def delete_team(self, name: str, etag: str) -> Team:
        """Raises OrganizationNotFound, OrganizationDeleted, TeamNotFound, TeamNotEmpty, EtagMismatch."""
        async with self.begin() as tx:
            await _lock(tx, organization_of(name))
            team = await tx.teams.get(name)
            etags.check(etag, team.version, name)
            tx.outbox.add(team.delete(at=self.now(), inside=await tx.teams.count_inside(name)))
            await tx.teams.remove(name)
            await tx.commit(team)
        return team

    async def create_team_member(self, team: str, user: str) -> TeamMember:
        """Raises OrganizationNotFound, OrganizationDeleted, TeamNotFound, MembershipNotFound, TeamMemberExists."""
        member, event = join_team(team, user, at=self.now())
        async with self.begin() as tx:
            await _lock(tx, organization_of(team))
            await tx.teams.get(team)
            await tx.teams.add_member(member)
            tx.outbox.add(event)
            await tx.commit(member)
        return member

    async def list_team_members(self, team: str, query: ListQuery) -> Rows[TeamMember]:
        """Return a page of those who are in a team itself."""
        return await self.teams.list_members(team, query)

    async def delete_team_member(self, name: str) -> TeamMember:
        """Raises OrganizationNotFound, OrganizationDeleted, TeamMemberNotFound."""
        async with self.begin() as tx:
            await _lock(tx, organization_of(name))
            member = await tx.teams.get_member(name)
            await tx.teams.remove_member(name)
            tx.outbox.add(member.leave(at=self.now()))
            await tx.commit(member)
        return member


async def _lock(tx: UserTransaction, organization: str) -> None:
    """Raises OrganizationNotFound, OrganizationDeleted."""
    (await tx.organizations.get(organization)).must_be_active()


async def _check_place(tx: UserTransaction, team: Team, *, height: int) -> None:
    """Raises TeamNotFound, TeamNestingInvalid."""
    if not team.parent_team:
        return
    around = await tx.teams.around(team.parent_team)
    if not around or organization_of(team.parent_team) != team.organization:
        raise TeamNotFound(team.parent_team)
    check_nesting(team.name, around, height)
