"""Where teams are kept."""

from __future__ import annotations

from typing import Protocol

from services.chassis.lists import ListQuery, Rows
from services.user.domain import Team, TeamMember


class Teams(Protocol):
    """Reads teams, one statement each."""

    async def get(self, name: str) -> Team:
        """Raises TeamNotFound."""
        ...

    async def list(self, organization: str, query: ListQuery) -> Rows[Team]:
        """Return a page of the teams of `organization`."""
        ...

    async def list_members(self, team: str, query: ListQuery) -> Rows[TeamMember]:
        """Return a page of those who are in `team` itself."""
        ...


class ChangedTeams(Protocol):
    """Teams inside a transaction that holds their organization's lock."""

    async def get(self, name: str) -> Team:
        """Raises TeamNotFound."""
        ...

    async def around(self, name: str) -> list[str]:
        """Return the team and those it is inside of, innermost first; nothing if there is no such team."""
        ...

    async def height(self, name: str) -> int:
        """Return the levels of the team's own tree: 1 if no team is inside it."""
        ...

    async def count_inside(self, name: str) -> int:
        """Return how many teams are directly inside."""
        ...

    async def add(self, team: Team) -> None:
        """Write a new team. Raises TeamExists."""
        ...

    async def save(self, team: Team) -> None:
        """Write the team's current values. Raises TeamExists."""
        ...

    async def remove(self, name: str) -> None:
        """Delete the team and its list of members."""
        ...

    async def get_member(self, name: str) -> TeamMember:
        """Raises TeamMemberNotFound."""
        ...

    async def add_member(self, member: TeamMember) -> None:
        """Write a new member. Raises TeamMemberExists, MembershipNotFound."""
        ...

    async def remove_member(self, name: str) -> None:
        """Take the member out of the team."""
        ...
