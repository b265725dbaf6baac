"""Organizations in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, delete, insert, select, true, update

from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows
from services.user.domain import Organization, OrganizationNotFound, OrganizationPurged, Role
from services.user.store.tables import memberships, organizations

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
_due = (
    select(organizations.c.name)
    .where(organizations.c.purge_time <= bindparam("at"))
    .order_by(organizations.c.purge_time)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_purge = Statement(
    delete(organizations).where(organizations.c.name.in_(_due)).returning(organizations.c.name, organizations.c.purge_time)
)
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

    async def purge(self, at: datetime, limit: int) -> list[OrganizationPurged]:
        rows = await self._tx.fetch(_purge, at=at, most=limit)
        return [OrganizationPurged(row["name"], at) for row in rows]


def _organization(row: Row) -> Organization:
    return Organization(**{name: row[name] for name in _COLUMNS})


def _values(organization: Organization) -> dict[str, Any]:
    return {name: getattr(organization, name) for name in _COLUMNS}
