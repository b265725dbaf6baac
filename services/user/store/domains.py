"""Domains in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import BigInteger, bindparam, delete, func, insert, select, update

from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows
from services.user.domain import Domain, DomainExists, DomainNotFound, DomainState
from services.user.store.tables import domains

_COLUMNS = tuple(column.name for column in domains.c)
_KEY = ("organization", "hostname")
_one = (domains.c.organization == bindparam("key_organization")) & (domains.c.hostname == bindparam("key_hostname"))
_of_name = domains.c.hostname == bindparam("hostname")
_verified = domains.c.state == DomainState.VERIFIED

_get = Statement(select(domains).where(_one))
# Also the organization's lock is held. But whoever proves a domain takes it from others, whose locks are not.
_lock = Statement(select(domains).where(_one).with_for_update())
_find_capturing = Statement(select(domains).where(_of_name, _verified, domains.c.capture))
_is_verified = Statement(select(domains.c.hostname).where(_one, _verified))
_lock_claims = Statement(select(domains).where(_of_name).order_by(domains.c.organization).with_for_update())
_find_due = Statement(
    select(domains)
    .where(_verified, domains.c.check_time < bindparam("before"))
    .order_by(domains.c.check_time)
    .limit(bindparam("limit", type_=BigInteger))
)
_count = Statement(select(func.count()).select_from(domains).where(domains.c.organization == bindparam("organization")))
_add = Statement(insert(domains).values({name: bindparam(name) for name in _COLUMNS}))
_save = Statement(update(domains).where(_one).values({name: bindparam(name) for name in _COLUMNS if name not in _KEY}))
_remove = Statement(delete(domains).where(_one))
_list = Listing(
    select(domains).where(domains.c.organization == bindparam("organization")),
    key=domains.c.hostname,
    fields={
        "state": domains.c.state,
        "capture": domains.c.capture,
        "create_time": domains.c.create_time,
        "update_time": domains.c.update_time,
    },
    sortable=("create_time", "update_time"),
    enums={"state": {f"STATE_{state.name}": state.value for state in DomainState}},
)


class SqlDomains:
    """Reads domains, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Domain:
        return _found(await self._database.fetchrow(_get, **_key(name)), name)

    async def find_due(self, before: datetime, limit: int) -> list[Domain]:
        return [_domain(row) for row in await self._database.fetch(_find_due, before=before, limit=limit)]

    async def list(self, organization: str, query: ListQuery) -> Rows[Domain]:
        return await _list.page(self._database, query, _domain, organization=organization)


class ChangedDomains:
    """Domains inside a transaction that holds their organization's lock."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, name: str) -> Domain:
        return _found(await self._tx.fetchrow(_lock, **_key(name)), name)

    async def find_capturing(self, hostname: str) -> Domain | None:
        row = await self._tx.fetchrow(_find_capturing, hostname=hostname)
        return _domain(row) if row else None

    async def is_verified(self, organization: str, hostname: str) -> bool:
        found = await self._tx.fetchrow(_is_verified, key_organization=organization, key_hostname=hostname)
        return found is not None

    async def lock_claims(self, hostname: str) -> list[Domain]:
        return [_domain(row) for row in await self._tx.fetch(_lock_claims, hostname=hostname)]

    async def count(self, organization: str) -> int:
        row = await self._tx.fetchrow(_count, organization=organization)
        return int(row[0]) if row else 0

    async def add(self, domain: Domain) -> None:
        try:
            await self._tx.execute(_add, **_values(domain))
        except asyncpg.UniqueViolationError:
            raise DomainExists(domain.name) from None

    async def save(self, domain: Domain) -> None:
        await self._tx.execute(_save, **_key(domain.name), **_values(domain))

    async def remove(self, name: str) -> None:
        await self._tx.execute(_remove, **_key(name))


def _key(name: str) -> dict[str, str]:
    organization, _, hostname = name.partition("/domains/")
    return {"key_organization": organization, "key_hostname": hostname}


def _found(row: Row | None, name: str) -> Domain:
    if row is None:
        raise DomainNotFound(name)
    return _domain(row)


def _domain(row: Row) -> Domain:
    values = {name: row[name] for name in _COLUMNS}
    return Domain(**{**values, "state": DomainState(values["state"])})


def _values(domain: Domain) -> dict[str, Any]:
    return {name: getattr(domain, name) for name in _COLUMNS}
