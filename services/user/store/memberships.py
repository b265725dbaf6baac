"""Memberships in PostgreSQL."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import asyncpg
from sqlalchemy import bindparam, delete, exists, func, insert, or_, select, update

from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows
from services.user.domain import (
    Membership,
    MembershipExists,
    MembershipNotFound,
    Role,
    UserNotFound,
    UserState,
    membership_name,
)
from services.user.store.tables import memberships, organizations, team_members, teams, users

_COLUMNS = tuple(column.name for column in memberships.c)
_CHANGING = ("role", "update_time", "version", "attributes")
_one = (memberships.c.organization == bindparam("key_organization")) & (memberships.c.user == bindparam("key_user"))

_get = Statement(select(memberships).where(_one))
_inside = (
    select(teams.c.name, teams.c.parent_team)
    .join(team_members, team_members.c.team == teams.c.name)
    .where(team_members.c.organization == bindparam("key_organization"), team_members.c.user == bindparam("key_user"))
    .cte("inside", recursive=True)
)
_inside = _inside.union(select(teams.c.name, teams.c.parent_team).where(teams.c.name == _inside.c.parent_team))
_resolve = Statement(
    select(memberships, func.array(select(_inside.c.name).order_by(_inside.c.name).scalar_subquery()).label("teams"))
    .select_from(memberships)
    .join(organizations, organizations.c.name == memberships.c.organization)
    .join(users, users.c.name == memberships.c.user)
    .where(
        _one,
        users.c.state == UserState.ACTIVE,
        or_(organizations.c.delete_time.is_(None), memberships.c.role == Role.OWNER),
    )
)
_find_by_email = Statement(
    select(memberships)
    .join(users, users.c.name == memberships.c.user)
    .where(
        memberships.c.organization == bindparam("organization"),
        users.c.email == bindparam("email"),
        users.c.state != UserState.PROVISIONED,
    )
)
_others = memberships.alias("others")
_met = Statement(
    select(memberships.c.organization)
    .where(
        memberships.c.user == bindparam("met"),
        or_(
            memberships.c.organization == bindparam("organization"),
            exists().where(_others.c.organization == memberships.c.organization, _others.c.user == bindparam("caller")),
        ),
    )
    .limit(1)
)
# Owners' accounts are locked against leaving until the change that needs them has committed.
_owners = (
    select(memberships.c.user)
    .join(users)
    .where(
        memberships.c.organization == bindparam("organization"),
        memberships.c.role == Role.OWNER,
        memberships.c.user != bindparam("beside"),
        users.c.state == UserState.ACTIVE,
    )
    .with_for_update(read=True, of=users)
)
_count_owners = Statement(select(func.count()).select_from(_owners.subquery()))
_last_owned = Statement(
    select(memberships.c.organization)
    .join(organizations)
    .where(
        memberships.c.user == bindparam("owner"),
        memberships.c.role == Role.OWNER,
        organizations.c.delete_time.is_(None),
        ~exists(
            select(1)
            .select_from(_others.join(users, users.c.name == _others.c.user))
            .where(
                _others.c.organization == memberships.c.organization,
                _others.c.user != memberships.c.user,
                _others.c.role == Role.OWNER,
                users.c.state == UserState.ACTIVE,
            )
        ),
    )
    .order_by(memberships.c.organization)
    .limit(20)
)
_of_user = Statement(
    select(memberships).where(memberships.c.user == bindparam("of_user")).order_by(memberships.c.organization)
)
_add = Statement(insert(memberships).values({name: bindparam(name) for name in _COLUMNS}))
_save = Statement(update(memberships).where(_one).values({name: bindparam(name) for name in _CHANGING}))
_remove = Statement(delete(memberships).where(_one))
_list = Listing(
    select(memberships).where(memberships.c.organization == bindparam("organization")),
    key=memberships.c.user,
    fields={
        "user": memberships.c.user,
        "role": memberships.c.role,
        "attributes": memberships.c.attributes,
        "create_time": memberships.c.create_time,
        "update_time": memberships.c.update_time,
    },
    sortable=("role", "create_time", "update_time"),
    enums={"role": {f"ROLE_{role.name}": role.value for role in Role}},
)


class SqlMemberships:
    """Reads memberships, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Membership:
        return _found(await self._database.fetchrow(_get, **_key(name)), name)

    async def resolve(self, organization: str, user: str) -> Membership:
        row = await self._database.fetchrow(_resolve, key_organization=organization, key_user=user)
        return replace(_found(row, membership_name(organization, user)), teams=tuple(row["teams"]) if row else ())

    async def list(self, organization: str, query: ListQuery) -> Rows[Membership]:
        return await _list.page(self._database, query, _membership, organization=organization)


class ChangedMemberships:
    """Memberships inside a transaction that holds their organization's lock."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, name: str) -> Membership:
        return _found(await self._tx.fetchrow(_get, **_key(name)), name)

    async def role_of(self, organization: str, user: str) -> Role:
        return (await self.get(membership_name(organization, user))).role

    async def find_by_email(self, organization: str, email: str) -> Membership | None:
        row = await self._tx.fetchrow(_find_by_email, organization=organization, email=email)
        return _membership(row) if row else None

    async def have_met(self, organization: str, user: str, caller: str) -> bool:
        return await self._tx.fetchrow(_met, organization=organization, met=user, caller=caller) is not None

    async def count_other_owners(self, organization: str, user: str) -> int:
        row = await self._tx.fetchrow(_count_owners, organization=organization, beside=user)
        return int(row[0]) if row else 0

    async def of_user(self, user: str) -> list[Membership]:
        return [_membership(row) for row in await self._tx.fetch(_of_user, of_user=user)]

    async def last_owned_by(self, user: str) -> list[str]:
        return [row["organization"] for row in await self._tx.fetch(_last_owned, owner=user)]

    async def add(self, membership: Membership) -> None:
        try:
            await self._tx.execute(_add, **_values(membership))
        except asyncpg.UniqueViolationError:
            raise MembershipExists(membership.name) from None
        except asyncpg.ForeignKeyViolationError:
            raise UserNotFound(membership.user) from None

    async def save(self, membership: Membership) -> None:
        values = _values(membership)
        await self._tx.execute(_save, **_key(membership.name), **{name: values[name] for name in _CHANGING})

    async def remove(self, name: str) -> None:
        await self._tx.execute(_remove, **_key(name))


def _key(name: str) -> dict[str, str]:
    organization, _, user_id = name.partition("/memberships/")
    return {"key_organization": organization, "key_user": f"users/{user_id}"}


def _found(row: Row | None, name: str) -> Membership:
    if row is None:
        raise MembershipNotFound(name)
    return _membership(row)


def _membership(row: Row) -> Membership:
    values = {name: row[name] for name in _COLUMNS}
    return Membership(**{**values, "role": Role(values["role"]), "attributes": json.loads(values["attributes"])})


def _values(membership: Membership) -> dict[str, Any]:
    values = {name: getattr(membership, name) for name in _COLUMNS}
    return {**values, "attributes": json.dumps(membership.attributes)}
