"""Organizations in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Table, bindparam, case, delete, insert, select, true, tuple_, update

from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows
from services.user.domain import Organization, OrganizationNotFound, Role
from services.user.store.tables import (
    invitation_mails,
    invitations,
    memberships,
    organizations,
    team_members,
    teams,
    users,
)

_COLUMNS = tuple(column.name for column in organizations.c)
_joined = select(memberships.c.organization).where(memberships.c.user == bindparam("member"))
_state = case((organizations.c.delete_time.is_(None), "STATE_ACTIVE"), else_="STATE_DELETED")

_get = Statement(select(organizations).where(organizations.c.name == bindparam("name")))
_lock = Statement(select(organizations).where(organizations.c.name == bindparam("name")).with_for_update())
_add = Statement(insert(organizations).values({name: bindparam(name) for name in _COLUMNS}))
_save = Statement(
    update(organizations)
    .where(organizations.c.name == bindparam("key"))
    .values({name: bindparam(name) for name in _COLUMNS if name not in ("name", "create_time")})
)
_owned = select(memberships.c.organization).where(memberships.c.user == bindparam("owner"), memberships.c.role == Role.OWNER)
_lock_owned = Statement(
    select(organizations.c.name).where(organizations.c.name.in_(_owned)).order_by(organizations.c.name).with_for_update()
)
_lock_due = Statement(
    select(organizations)
    .where(organizations.c.purge_time <= bindparam("at"))
    .order_by(organizations.c.purge_time)
    .limit(1)
    .with_for_update(skip_locked=True)
)


def _some(table: Table, inside: ColumnElement[bool]) -> Statement:
    """Return the statement that deletes some rows of a table: what goes at once with its organization may be too much."""
    key = tuple_(*table.primary_key)
    some = select(*table.primary_key).where(inside).limit(bindparam("most", type_=BigInteger))
    return Statement(delete(table).where(key.in_(some)))


_provisioned = (
    select(users.c.name)
    .where(users.c.provisioned_by == bindparam("of"))
    .order_by(users.c.name)  # the same ones go from everywhere, then themselves
    .limit(bindparam("most", type_=BigInteger))
)
# Whoever refers to others goes before them. What is not listed is little: it goes with the organization.
_empty = [
    _some(team_members, team_members.c.organization == bindparam("of")),
    _some(memberships, memberships.c.organization == bindparam("of")),
    Statement(delete(memberships).where(memberships.c.user.in_(_provisioned))),
    Statement(delete(users).where(users.c.name.in_(_provisioned))),
    _some(teams, teams.c.organization == bindparam("of")),
    _some(invitations, invitations.c.organization == bindparam("of")),
    _some(invitation_mails, invitation_mails.c.organization == bindparam("of")),
]
_remove = Statement(delete(organizations).where(organizations.c.name == bindparam("of")))
_list = Listing(
    select(organizations).where(
        organizations.c.name.in_(_joined),
        organizations.c.delete_time.is_(None) | (bindparam("show_deleted") == true()),
    ),
    key=organizations.c.name,
    fields={
        "display_name": organizations.c.display_name,
        "state": _state,
        "create_time": organizations.c.create_time,
        "update_time": organizations.c.update_time,
    },
    sortable=("display_name", "create_time", "update_time"),
    enums={"state": {"STATE_ACTIVE": "STATE_ACTIVE", "STATE_DELETED": "STATE_DELETED"}},
)


class SqlOrganizations:
    """Reads organizations, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Organization:
        row = await self._database.fetchrow(_get, name=name)
        if row is None:
            raise OrganizationNotFound(name)
        return _organization(row)

    async def list(self, member: str, query: ListQuery, *, show_deleted: bool) -> Rows[Organization]:
        return await _list.page(self._database, query, _organization, member=member, show_deleted=show_deleted)


class ChangedOrganizations:
    """Organizations inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, name: str) -> Organization:
        row = await self._tx.fetchrow(_lock, name=name)
        if row is None:
            raise OrganizationNotFound(name)
        return _organization(row)

    async def save(self, organization: Organization) -> None:
        await self._tx.execute(_save, key=organization.name, **_values(organization))

    async def add(self, organization: Organization) -> None:
        await self._tx.execute(_add, **_values(organization))

    async def lock_owned_by(self, user: str) -> None:
        await self._tx.fetch(_lock_owned, owner=user)

    async def lock_due(self, at: datetime) -> Organization | None:
        row = await self._tx.fetchrow(_lock_due, at=at)
        return _organization(row) if row else None

    async def empty(self, name: str, limit: int) -> int:
        gone = 0
        for some in _empty:
            if gone < limit:
                gone += await self._tx.execute(some, of=name, most=limit - gone)
        return gone

    async def remove(self, name: str) -> None:
        await self._tx.execute(_remove, of=name)


def _organization(row: Row) -> Organization:
    return Organization(**{name: row[name] for name in _COLUMNS})


def _values(organization: Organization) -> dict[str, Any]:
    return {name: getattr(organization, name) for name in _COLUMNS}
