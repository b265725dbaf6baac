"""Role bindings in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime

import asyncpg
from sqlalchemy import ARRAY, Text, and_, any_, bindparam, delete, func, insert, or_, select

from services.auth.domain import RoleBinding, RoleBindingExists, RoleBindingNotFound
from services.auth.ports import Bound
from services.auth.store.tables import role_bindings, roles
from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows

_COLUMNS = tuple(column.name for column in role_bindings.c)
_FIELDS = tuple(field.name for field in fields(RoleBinding))
_table = role_bindings.c
_one = _table.name == bindparam("key")
_of_organization = _table.organization == bindparam("of_organization")
_expired = _table.expire_time <= bindparam("at")

_get = Statement(select(role_bindings).where(_one))
_lock = Statement(select(role_bindings).where(_one).with_for_update())
_of = Statement(
    select(role_bindings, roles.c.permissions)
    .outerjoin(roles, roles.c.name == _table.role)
    .where(_of_organization, _table.subject == any_(bindparam("subjects", type_=ARRAY(Text))))
    .order_by(_table.name)
)
_of_subject = Statement(
    select(role_bindings)
    .where(_of_organization, _table.subject == bindparam("of_subject"))
    .order_by(_table.name)
    .with_for_update()
)
_count = Statement(
    select(func.count()).select_from(role_bindings).where(_of_organization, _table.subject == bindparam("of_subject"))
)
_subjects_of = Statement(
    select(_table.subject)
    .distinct()
    .where(_table.role == bindparam("of_role"), or_(_table.expire_time.is_(None), _table.expire_time > bindparam("at")))
    .order_by(_table.subject)
)
_replace = Statement(
    delete(role_bindings).where(
        and_(*(_table[name] == bindparam(f"of_{name}") for name in ("organization", "subject", "role", "resource"))),
        _expired,
    )
)
_add = Statement(insert(role_bindings).values({name: bindparam(name) for name in _COLUMNS}))
_remove = Statement(delete(role_bindings).where(_one))
_remove_expired = Statement(delete(role_bindings).where(_table.role == bindparam("of_role"), _expired))
_list = Listing(
    select(role_bindings).where(_of_organization),
    key=role_bindings.c.name,
    fields={name: _table[name] for name in ("subject", "role", "resource", "create_time", "expire_time")},
    sortable=("role", "subject", "resource", "create_time"),
)
_some = (
    select(role_bindings.c.name)
    .where(role_bindings.c.organization == bindparam("of_organization"))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_purge = Statement(delete(role_bindings).where(role_bindings.c.name.in_(_some)))


class SqlRoleBindings:
    """Reads role bindings, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> RoleBinding:
        return _found(await self._database.fetchrow(_get, key=name), name)

    async def list(self, organization: str, query: ListQuery) -> Rows[RoleBinding]:
        return await _list.page(self._database, query, _binding, of_organization=organization)

    async def of(self, organization: str, subjects: Collection[str]) -> Sequence[Bound]:
        rows = await self._database.fetch(_of, of_organization=organization, subjects=[*subjects])
        return [(_binding(row), frozenset(row["permissions"] or ())) for row in rows]


class ChangedRoleBindings:
    """Role bindings inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def lock(self, name: str) -> RoleBinding:
        return _found(await self._tx.fetchrow(_lock, key=name), name)

    async def subjects_of(self, role: str, at: datetime) -> Sequence[str]:
        return [row["subject"] for row in await self._tx.fetch(_subjects_of, of_role=role, at=at)]

    async def of_subject(self, organization: str, subject: str) -> Sequence[RoleBinding]:
        rows = await self._tx.fetch(_of_subject, of_organization=organization, of_subject=subject)
        return [_binding(row) for row in rows]

    async def count(self, organization: str, subject: str) -> int:
        row = await self._tx.fetchrow(_count, of_organization=organization, of_subject=subject)
        return int(row[0]) if row else 0

    async def add(self, binding: RoleBinding) -> None:
        same = {f"of_{name}": getattr(binding, name) for name in ("organization", "subject", "role", "resource")}
        await self._tx.execute(_replace, **same, at=binding.create_time)
        try:
            await self._tx.execute(_add, **{name: getattr(binding, name) for name in _COLUMNS})
        except asyncpg.UniqueViolationError:
            raise RoleBindingExists(binding.name) from None

    async def remove(self, name: str) -> None:
        await self._tx.execute(_remove, key=name)

    async def remove_expired(self, role: str, at: datetime) -> None:
        await self._tx.execute(_remove_expired, of_role=role, at=at)

    async def purge(self, organization: str, limit: int) -> int:
        return await self._tx.execute(_purge, of_organization=organization, most=limit)


def _found(row: Row | None, name: str) -> RoleBinding:
    if row is None:
        raise RoleBindingNotFound(name)
    return _binding(row)


def _binding(row: Row) -> RoleBinding:
    return RoleBinding(**{name: row[name] for name in _FIELDS})
