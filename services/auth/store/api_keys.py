"""API keys in PostgreSQL; of their secrets the hashes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, or_, select, true, update

from services.auth.domain import ApiKey, ApiKeyNotFound, Managed, Presented, State, is_service_account
from services.auth.store.tables import api_key_secrets, api_keys, deleted_organizations, service_accounts
from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows

_COLUMNS = tuple(column.name for column in api_keys.c)
_CHANGING = ("display_name", "scopes", "hint", "update_time", "expire_time", "revoke_time", "version")
_one = api_keys.c.name == bindparam("key")
_alive = api_keys.c.revoke_time.is_(None) & (api_keys.c.expire_time > bindparam("at"))
_of_account = api_keys.c.subject.contains("/serviceAccounts/")

_get = Statement(select(api_keys).where(_one))
_lock = Statement(select(api_keys).where(_one).with_for_update())
_lock_unrevoked = Statement(
    select(api_keys)
    .where(
        api_keys.c.organization == bindparam("of_organization"),
        api_keys.c.subject == bindparam("of_subject"),
        api_keys.c.revoke_time.is_(None),
    )
    .order_by(api_keys.c.name)
    .with_for_update()
)
_add = Statement(insert(api_keys).values({name: bindparam(name) for name in _COLUMNS}))
_save = Statement(update(api_keys).where(_one).values({name: bindparam(name) for name in _CHANGING}))
_note_use = Statement(update(api_keys).where(_one).values(last_used_time=bindparam("at")))
_add_secret = Statement(
    insert(api_key_secrets).values(
        hash=bindparam("secret_hash"), api_key=bindparam("key"), expire_time=bindparam("expire_time")
    )
)
_end_secrets = Statement(
    update(api_key_secrets)
    .where(api_key_secrets.c.api_key == bindparam("key"))
    .values(expire_time=func.least(api_key_secrets.c.expire_time, bindparam("at", type_=api_keys.c.expire_time.type)))
)
_forget_secrets = Statement(
    delete(api_key_secrets).where(
        api_key_secrets.c.api_key == bindparam("key"), api_key_secrets.c.expire_time <= bindparam("now")
    )
)
_find_presented = Statement(
    select(
        api_keys,
        api_key_secrets.c.expire_time.label("secret_expire_time"),
        service_accounts.c.state.label("account_state"),
        service_accounts.c.version.label("account_version"),
        deleted_organizations.c.organization.label("deleted_organization"),
    )
    .select_from(
        api_key_secrets.join(api_keys)
        .outerjoin(service_accounts, service_accounts.c.name == api_keys.c.subject)
        .outerjoin(deleted_organizations, deleted_organizations.c.organization == api_keys.c.organization)
    )
    .where(api_key_secrets.c.hash == bindparam("secret_hash"))
)
_list = Listing(
    select(api_keys).where(
        api_keys.c.organization == bindparam("of_organization"),
        or_(
            api_keys.c.subject == bindparam("own"),
            _of_account & (bindparam("of_accounts") == true()),
            ~_of_account & (bindparam("of_users") == true()),
        ),
        _alive | (bindparam("show_ended") == true()),
    ),
    key=api_keys.c.name,
    fields={
        "display_name": api_keys.c.display_name,
        "subject": api_keys.c.subject,
        "create_time": api_keys.c.create_time,
        "update_time": api_keys.c.update_time,
        "expire_time": api_keys.c.expire_time,
    },
    sortable=("display_name", "create_time", "update_time", "expire_time"),
    default_order="create_time desc",
)
_some = (
    select(api_keys.c.name)
    .where(api_keys.c.organization == bindparam("of_organization"))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_purge = Statement(delete(api_keys).where(api_keys.c.name.in_(_some)))


class SqlApiKeys:
    """Reads API keys, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> ApiKey:
        return _found(await self._database.fetchrow(_get, key=name), name)

    async def list(
        self, organization: str, managed: Managed, at: datetime, query: ListQuery, *, show_ended: bool
    ) -> Rows[ApiKey]:
        return await _list.page(
            self._database,
            query,
            _key,
            of_organization=organization,
            own=managed.own,
            of_accounts=managed.of_accounts,
            of_users=managed.of_users,
            at=at,
            show_ended=show_ended,
        )

    async def find_presented(self, secret_hash: bytes) -> Presented | None:
        row = await self._database.fetchrow(_find_presented, secret_hash=secret_hash)
        return _presented(row) if row else None

    async def note_use(self, name: str, at: datetime) -> None:
        await self._database.pool.execute(_note_use.sql, *_note_use.arguments({"key": name, "at": at}))


class ChangedApiKeys:
    """API keys inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, key: ApiKey) -> None:
        await self._tx.execute(_add, **_values(key, _COLUMNS))

    async def lock(self, name: str) -> ApiKey:
        return _found(await self._tx.fetchrow(_lock, key=name), name)

    async def lock_unrevoked(self, organization: str, subject: str) -> Sequence[ApiKey]:
        return [_key(row) for row in await self._tx.fetch(_lock_unrevoked, of_organization=organization, of_subject=subject)]

    async def save(self, key: ApiKey) -> None:
        await self._tx.execute(_save, key=key.name, **_values(key, _CHANGING))

    async def add_secret(self, name: str, secret_hash: bytes, expire_time: datetime) -> None:
        await self._tx.execute(_add_secret, key=name, secret_hash=secret_hash, expire_time=expire_time)

    async def end_secrets(self, name: str, at: datetime, *, now: datetime) -> None:
        await self._tx.execute(_forget_secrets, key=name, now=now)
        await self._tx.execute(_end_secrets, key=name, at=at)

    async def purge(self, organization: str, limit: int) -> int:
        return await self._tx.execute(_purge, of_organization=organization, most=limit)


def _values(key: ApiKey, columns: tuple[str, ...]) -> dict[str, object]:
    return {name: getattr(key, name) for name in columns}


def _found(row: Row | None, name: str) -> ApiKey:
    if row is None:
        raise ApiKeyNotFound(name)
    return _key(row)


def _key(row: Row) -> ApiKey:
    values = {name: row[name] for name in _COLUMNS}
    return ApiKey(**{**values, "scopes": tuple(values["scopes"])})


def _presented(row: Row) -> Presented:
    key = _key(row)
    inactive = is_service_account(key.subject) and row["account_state"] != State.ACTIVE
    return Presented(
        key,
        row["secret_expire_time"],
        shut_out=inactive or row["deleted_organization"] is not None,
        account_version=row["account_version"] or 0,
    )
