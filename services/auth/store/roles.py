"""Roles in PostgreSQL. The predefined ones are the contract's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from services.auth.domain import Role, RoleNotFound
from services.auth.store.tables import roles
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement

_LOCK = 7_401_227  # advisory, with the organization: who counts its roles is alone
_COLUMNS = tuple(column.name for column in roles.c)
_CHANGED = ("display_name", "description", "permissions", "update_time", "version")
_one = roles.c.name == bindparam("key")

_get = Statement(select(roles).where(_one))
_lock = Statement(select(roles).where(_one).with_for_update())
_keep = Statement(select(roles).where(_one).with_for_update(read=True))
_of = Statement(select(roles).where(roles.c.organization == bindparam("organization")).order_by(roles.c.name))
_alone = Statement(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(bindparam("organization")))))
_count = Statement(select(func.count()).select_from(roles).where(roles.c.organization == bindparam("organization")))
_add = Statement(insert(roles).values({name: bindparam(name) for name in _COLUMNS}))
_save = Statement(update(roles).where(_one).values({name: bindparam(name) for name in _CHANGED}))
_remove = Statement(delete(roles).where(_one))
_some = (
    select(roles.c.name)
    .where(roles.c.organization == bindparam("of_organization"))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_purge = Statement(delete(roles).where(roles.c.name.in_(_some)))


class SqlRoles:
    """Reads roles, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Role:
        return _found(await self._database.fetchrow(_get, key=name), name)

    async def of(self, organization: str) -> list[Role]:
        return [_role(row) for row in await self._database.fetch(_of, organization=organization)]


class ChangedRoles:
    """Roles inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def lock(self, name: str) -> Role:
        return _found(await self._tx.fetchrow(_lock, key=name), name)

    async def keep(self, name: str) -> Role:
        return _found(await self._tx.fetchrow(_keep, key=name), name)

    async def count(self, organization: str) -> int:
        await self._tx.fetchrow(_alone, organization=organization)
        row = await self._tx.fetchrow(_count, organization=organization)
        return int(row[0]) if row else 0

    async def add(self, role: Role) -> None:
        await self._tx.execute(_add, **_values(role, _COLUMNS))

    async def save(self, role: Role) -> None:
        await self._tx.execute(_save, key=role.name, **_values(role, _CHANGED))

    async def remove(self, name: str) -> None:
        await self._tx.execute(_remove, key=name)

    async def purge(self, organization: str, limit: int) -> int:
        return await self._tx.execute(_purge, of_organization=organization, most=limit)


def _values(role: Role, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(role, name) for name in names}
    return {**values, "permissions": sorted(role.permissions)}


def _found(row: Row | None, name: str) -> Role:
    if row is None:
        raise RoleNotFound(name)
    return _role(row)


def _role(row: Row) -> Role:
    values = {name: row[name] for name in _COLUMNS if name != "organization"}
    return Role(**{**values, "permissions": frozenset(values["permissions"])})
