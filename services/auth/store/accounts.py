"""Accounts in PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.auth.domain import Account, AccountNotFound, AccountState
from services.auth.store.tables import accounts
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement

_COLUMNS = tuple(column.name for column in accounts.c)

_get = Statement(select(accounts).where(accounts.c.user == bindparam("key")))
_find_by_email = Statement(select(accounts).where(accounts.c.email == bindparam("email")))
_add = Statement(upsert(accounts).values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing())
_set_last_organization = Statement(
    update(accounts).where(accounts.c.user == bindparam("key")).values(last_organization=bindparam("organization"))
)
# Without the key: writing a session needs the account to exist, and need not wait.
_lock = Statement(select(accounts).where(accounts.c.user == bindparam("key")).with_for_update(key_share=True))
_set_password = Statement(
    update(accounts)
    .where(accounts.c.user == bindparam("key"))
    .values(password_hash=bindparam("new_hash"), password_version=accounts.c.password_version + 1)
)
_set_password_hash = Statement(
    update(accounts).where(accounts.c.user == bindparam("key")).values(password_hash=bindparam("new_hash"))
)
_set_state = Statement(update(accounts).where(accounts.c.user == bindparam("key")).values(state=bindparam("new_state")))


class SqlAccounts:
    """Reads accounts, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user: str) -> Account:
        account = await self.find(user)
        if account is None:
            raise AccountNotFound(user)
        return account

    async def find(self, user: str) -> Account | None:
        row = await self._database.fetchrow(_get, key=user)
        return _account(row) if row else None

    async def find_by_email(self, email: str) -> Account | None:
        row = await self._database.fetchrow(_find_by_email, email=email)
        return _account(row) if row else None


class ChangedAccounts:
    """Accounts inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, account: Account) -> bool:
        values: dict[str, Any] = {name: getattr(account, name) for name in _COLUMNS}
        return await self._tx.execute(_add, **values) == 1

    async def lock(self, user: str) -> Account | None:
        row = await self._tx.fetchrow(_lock, key=user)
        return _account(row) if row else None

    async def set_last_organization(self, user: str, organization: str) -> None:
        await self._tx.execute(_set_last_organization, key=user, organization=organization)

    async def set_password_hash(self, user: str, password_hash: str) -> None:
        await self._tx.execute(_set_password_hash, key=user, new_hash=password_hash)

    async def set_state(self, user: str, state: AccountState) -> None:
        await self._tx.execute(_set_state, key=user, new_state=int(state))

    async def set_password(self, user: str, password_hash: str) -> None:
        await self._tx.execute(_set_password, key=user, new_hash=password_hash)


def _account(row: Row) -> Account:
    values = {name: row[name] for name in _COLUMNS}
    return Account(**{**values, "state": AccountState(values["state"])})
