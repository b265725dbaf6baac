"""Teams: groups of members inside an organization. What a team may do, the teams inside it may do too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from services.chassis.errors import AlreadyExists, FailedPrecondition, NotFound

MAX_DEPTH = 3
"""Teams below teams, the outermost counted: deep trees are read by nobody and walked with every token."""


@dataclass(frozen=True, slots=True)
class Team:
    """A group of members inside an organization."""

    name: str
    display_name: str
    create_time: datetime
    update_time: datetime
    description: str = ""
    parent_team: str = ""
    version: int = 1

    @property
    def organization(self) -> str:
        """The organization it belongs to."""
        return organization_of(self.name)

    def change(self, values: dict[str, Any], at: datetime) -> tuple[Self, TeamUpdated]:
        """Return the team with the values changed, and what to announce."""
        changed = replace(self, **values, update_time=at, version=self.version + 1)
        return changed, TeamUpdated(self.name, self.organization, changed.parent_team, at)

    def delete(self, at: datetime, *, inside: int) -> TeamDeleted:
        """Return what to announce when the team goes. Raises TeamNotEmpty while `inside` teams are in it."""
        if inside:
            raise TeamNotEmpty(self.name)
        return TeamDeleted(self.name, self.organization, at)


@dataclass(frozen=True, slots=True)
class TeamMember:
    """That a member of the organization is in a team."""

    team: str
    user: str
    create_time: datetime

    @property
    def name(self) -> str:
        """`organizations/{organization}/teams/{team}/members/{user id}`."""
        return team_member_name(self.team, self.user)

    def leave(self, at: datetime) -> TeamMemberDeleted:
        """Return what to announce when the member leaves the team."""
        return TeamMemberDeleted(self.team, organization_of(self.team), self.user, at)


def create_team(name: str, display_name: str, description: str, parent_team: str, at: datetime) -> tuple[Team, TeamCreated]:
    """Return a new team, and what to announce."""
    team = Team(name, display_name, at, at, description, parent_team)
    return team, TeamCreated(name, team.organization, at)


def join_team(team: str, user: str, at: datetime) -> tuple[TeamMember, TeamMemberCreated]:
    """Return a new member of a team, and what to announce."""
    return TeamMember(team, user, at), TeamMemberCreated(team, organization_of(team), user, at)


def check_nesting(team: str, around: list[str], height: int) -> None:
    """Refuse a place inside itself or too deep. `around` are the teams it would be inside of, `height` its own levels.

    Raises TeamNestingInvalid.
    """
    if team in around or len(around) + height > MAX_DEPTH:
        raise TeamNestingInvalid(team)


def team_member_name(team: str, user: str) -> str:
    """Return the name of a user's place in a team; its last id is the user's."""
    return f"{team}/members/{user.removeprefix('users/')}"


def organization_of(name: str) -> str:
    """Return the organization that a name lies in."""
    return "/".join(name.split("/", 2)[:2])


@dataclass(frozen=True, slots=True)
class TeamCreated:
    """A team came to be."""

    team: str
    organization: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class TeamUpdated:
    """A team changed."""

    team: str
    organization: str
    parent_team: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class TeamDeleted:
    """A team was deleted."""

    team: str
    organization: str
    delete_time: datetime


@dataclass(frozen=True, slots=True)
class TeamMemberCreated:
    """Somebody joined a team."""

    team: str
    organization: str
    user: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class TeamMemberDeleted:
    """Somebody left a team or was taken out of it."""

    team: str
    organization: str
    user: str
    delete_time: datetime


class TeamNotFound(NotFound):
    """There is no such team."""

    reason = "TEAM_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", team=name)


class TeamExists(AlreadyExists):
    """The organization has a team of that name already."""

    reason = "TEAM_EXISTS"

    def __init__(self, organization: str) -> None:
        super().__init__(f"{organization} has a team of that name already.", organization=organization)


class TeamNestingInvalid(FailedPrecondition):
    """The team would be inside itself, or too deep."""

    reason = "TEAM_NESTING_INVALID"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} would be inside itself or nested more than {MAX_DEPTH} deep.", team=name, depth=str(MAX_DEPTH)
        )


class TeamNotEmpty(FailedPrecondition):
    """There are teams inside the team."""

    reason = "TEAM_NOT_EMPTY"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has teams inside it; move or delete them first.", team=name)


class TeamMemberNotFound(NotFound):
    """The user is not in the team."""

    reason = "TEAM_MEMBER_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", team_member=name)


class TeamMemberExists(AlreadyExists):
    """The user is in the team already."""

    reason = "TEAM_MEMBER_EXISTS"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already.", team_member=name)
