"""Teams in PostgreSQL."""

from __future__ import annotations

from typing import Any

import asyncpg
from sqlalchemy import bindparam, delete, func, insert, literal, select, update

from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows
from services.user.domain import (
    MembershipNotFound,
    Team,
    TeamExists,
    TeamMember,
    TeamMemberExists,
    TeamMemberNotFound,
    TeamNotFound,
    membership_name,
    organization_of,
)
from services.user.store.tables import team_members, teams

_COLUMNS = ("name", "display_name", "description", "parent_team", "create_time", "update_time", "version")
_one = teams.c.name == bindparam("key")
_one_member = (team_members.c.team == bindparam("key_team")) & (team_members.c.user == bindparam("key_user"))

_around = select(teams.c.name, teams.c.parent_team, literal(1).label("level")).where(_one).cte("around", recursive=True)
_around = _around.union_all(
    select(teams.c.name, teams.c.parent_team, _around.c.level + 1).where(teams.c.name == _around.c.parent_team)
)
_inside = select(teams.c.name, literal(1).label("level")).where(_one).cte("inside", recursive=True)
_inside = _inside.union_all(
    select(teams.c.name, _inside.c.level + 1).where(teams.c.parent_team == _inside.c.name, teams.c.parent_team != "")
)

_get = Statement(select(teams).where(_one))
_find_around = Statement(select(_around.c.name).order_by(_around.c.level))
_height = Statement(select(func.max(_inside.c.level)))
_count_inside = Statement(select(func.count()).where(teams.c.parent_team == bindparam("key")))
_add = Statement(
    insert(teams).values({"organization": bindparam("organization"), **{name: bindparam(name) for name in _COLUMNS}})
)
_save = Statement(
    update(teams).where(_one).values({name: bindparam(name) for name in _COLUMNS if name not in ("name", "create_time")})
)
_remove = Statement(delete(teams).where(_one))
_get_member = Statement(select(team_members).where(_one_member))
_add_member = Statement(insert(team_members).values({column.name: bindparam(column.name) for column in team_members.c}))
_remove_member = Statement(delete(team_members).where(_one_member))
_list = Listing(
    select(teams).where(teams.c.organization == bindparam("organization")),
    key=teams.c.name,
    fields={
        "display_name": teams.c.display_name,
        "parent_team": teams.c.parent_team,
        "create_time": teams.c.create_time,
        "update_time": teams.c.update_time,
    },
    sortable=("display_name", "create_time", "update_time"),
)
_list_members = Listing(
    select(team_members).where(team_members.c.team == bindparam("of_team")),
    key=team_members.c.user,
    fields={"user": team_members.c.user, "create_time": team_members.c.create_time},
    sortable=("create_time",),
    default_order="create_time",
)


class SqlTeams:
    """Reads teams, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Team:
        return _found(await self._database.fetchrow(_get, key=name), name)

    async def list(self, organization: str, query: ListQuery) -> Rows[Team]:
        return await _list.page(self._database, query, _team, organization=organization)

    async def list_members(self, team: str, query: ListQuery) -> Rows[TeamMember]:
        return await _list_members.page(self._database, query, _member, of_team=team)


class ChangedTeams:
    """Teams inside a transaction that holds their organization's lock."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, name: str) -> Team:
        return _found(await self._tx.fetchrow(_get, key=name), name)

    async def around(self, name: str) -> list[str]:
        return [row["name"] for row in await self._tx.fetch(_find_around, key=name)]

    async def height(self, name: str) -> int:
        row = await self._tx.fetchrow(_height, key=name)
        return int(row[0] or 0) if row else 0

    async def count_inside(self, name: str) -> int:
        row = await self._tx.fetchrow(_count_inside, key=name)
        return int(row[0]) if row else 0

    async def add(self, team: Team) -> None:
        try:
            await self._tx.execute(_add, organization=team.organization, **_values(team))
        except asyncpg.UniqueViolationError:
            raise TeamExists(team.organization) from None

    async def save(self, team: Team) -> None:
        try:
            await self._tx.execute(_save, key=team.name, **_values(team))
        except asyncpg.UniqueViolationError:
            raise TeamExists(team.organization) from None

    async def remove(self, name: str) -> None:
        await self._tx.execute(_remove, key=name)

    async def get_member(self, name: str) -> TeamMember:
        row = await self._tx.fetchrow(_get_member, **_member_key(name))
        if row is None:
            raise TeamMemberNotFound(name)
        return _member(row)

    async def add_member(self, member: TeamMember) -> None:
        organization = organization_of(member.team)
        try:
            await self._tx.execute(
                _add_member,
                team=member.team,
                user=member.user,
                organization=organization,
                create_time=member.create_time,
            )
        except asyncpg.UniqueViolationError:
            raise TeamMemberExists(member.name) from None
        except asyncpg.ForeignKeyViolationError:
            raise MembershipNotFound(membership_name(organization, member.user)) from None

    async def remove_member(self, name: str) -> None:
        await self._tx.execute(_remove_member, **_member_key(name))


def _member_key(name: str) -> dict[str, str]:
    team, _, user_id = name.partition("/members/")
    return {"key_team": team, "key_user": f"users/{user_id}"}


def _found(row: Row | None, name: str) -> Team:
    if row is None:
        raise TeamNotFound(name)
    return _team(row)


def _team(row: Row) -> Team:
    return Team(**{name: row[name] for name in _COLUMNS})


def _values(team: Team) -> dict[str, Any]:
    return {name: getattr(team, name) for name in _COLUMNS}


def _member(row: Row) -> TeamMember:
    return TeamMember(row["team"], row["user"], row["create_time"])
