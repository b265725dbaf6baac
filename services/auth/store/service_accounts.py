"""Service accounts in PostgreSQL."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, select, update

from services.auth.domain import ServiceAccount, ServiceAccountNotFound, State
from services.auth.store.tables import api_keys, service_accounts
from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows

_COLUMNS = tuple(column.name for column in service_accounts.c)
_CHANGING = ("display_name", "description", "role", "state", "update_time", "version")
_one = service_accounts.c.name == bindparam("key")

_get = Statement(select(service_accounts).where(_one))
_lock = Statement(select(service_accounts).where(_one).with_for_update())
_add = Statement(insert(service_accounts).values({name: bindparam(name) for name in _COLUMNS}))
_save = Statement(update(service_accounts).where(_one).values({name: bindparam(name) for name in _CHANGING}))
_remove = Statement(delete(service_accounts).where(_one))
_remove_keys = Statement(delete(api_keys).where(api_keys.c.subject == bindparam("key")))
_list = Listing(
    select(service_accounts).where(service_accounts.c.organization == bindparam("of_organization")),
    key=service_accounts.c.name,
    fields={
        "display_name": service_accounts.c.display_name,
        "role": service_accounts.c.role,
        "create_time": service_accounts.c.create_time,
        "update_time": service_accounts.c.update_time,
    },
    sortable=("display_name", "create_time", "update_time"),
    default_order="create_time desc",
)
_some = (
    select(service_accounts.c.name)
    .where(service_accounts.c.organization == bindparam("of_organization"))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_purge = Statement(delete(service_accounts).where(service_accounts.c.name.in_(_some)))


class SqlServiceAccounts:
    """Reads service accounts, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> ServiceAccount:
        return _found(await self._database.fetchrow(_get, key=name), name)

    async def list(self, organization: str, query: ListQuery) -> Rows[ServiceAccount]:
        return await _list.page(self._database, query, _account, of_organization=organization)


class ChangedServiceAccounts:
    """Service accounts inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, account: ServiceAccount) -> None:
        await self._tx.execute(_add, **{name: getattr(account, name) for name in _COLUMNS})

    async def lock(self, name: str) -> ServiceAccount:
        return _found(await self._tx.fetchrow(_lock, key=name), name)

    async def save(self, account: ServiceAccount) -> None:
        await self._tx.execute(_save, key=account.name, **{name: getattr(account, name) for name in _CHANGING})

    async def remove(self, name: str) -> None:
        await self._tx.execute(_remove_keys, key=name)
        await self._tx.execute(_remove, key=name)

    async def purge(self, organization: str, limit: int) -> int:
        return await self._tx.execute(_purge, of_organization=organization, most=limit)


def _found(row: Row | None, name: str) -> ServiceAccount:
    if row is None:
        raise ServiceAccountNotFound(name)
    return _account(row)


def _account(row: Row) -> ServiceAccount:
    values = {name: row[name] for name in _COLUMNS}
    return ServiceAccount(**{**values, "state": State(values["state"])})
