"""Signing keys in PostgreSQL; the private half is sealed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, literal, select, update

from services.auth.domain import SigningKey
from services.auth.store.tables import signing_keys
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.keys import Keyring

SEAL = "signing-key"
_FIRST = 7_401_226  # advisory lock: one process at a time makes keys
_COLUMNS = tuple(column.name for column in signing_keys.c)

_all = Statement(select(signing_keys).order_by(signing_keys.c.create_time, signing_keys.c.kid))
_add = Statement(insert(signing_keys).values({name: bindparam(name) for name in _COLUMNS}))
_count = Statement(select(func.count()).select_from(signing_keys))
_lock = Statement(select(func.pg_advisory_xact_lock(literal(_FIRST))))
_retire = Statement(update(signing_keys).where(signing_keys.c.kid == bindparam("key")).values(retire_time=bindparam("at")))
_purge = Statement(delete(signing_keys).where(signing_keys.c.retire_time <= bindparam("at")))


class SqlSigningKeys:
    """Signing keys, read outside of any request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[SigningKey]:
        return _alive(self._database.keyring, await self._database.fetch(_all), self._database.now())

    async def add_first(self, key: SigningKey) -> None:
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(_lock.sql, *_lock.arguments({}))
            if not await connection.fetchval(_count.sql):
                await connection.execute(_add.sql, *_add.arguments(_sealed(self._database.keyring, key)))


class ChangedSigningKeys:
    """Signing keys inside a transaction: whatever becomes of it, exactly one of them is the newest without an end."""

    def __init__(self, tx: SqlTransaction, keyring: Keyring) -> None:
        self._tx, self._keyring = tx, keyring

    async def lock(self) -> list[SigningKey]:
        await self._tx.fetch(_lock)
        return _alive(self._keyring, await self._tx.fetch(_all), self._tx.now)

    async def add(self, key: SigningKey) -> None:
        await self._tx.execute(_add, **_sealed(self._keyring, key))

    async def retire(self, kid: str, at: datetime) -> None:
        await self._tx.execute(_retire, key=kid, at=at)

    async def purge(self, at: datetime) -> int:
        return await self._tx.execute(_purge, at=at)


def _alive(keyring: Keyring, rows: list[Row], now: datetime) -> list[SigningKey]:
    return [_opened(keyring, row) for row in rows if row["retire_time"] is None or now < row["retire_time"]]


def _sealed(keyring: Keyring, key: SigningKey) -> dict[str, object]:
    values = {name: getattr(key, name) for name in _COLUMNS}
    return {**values, "private_jwk": keyring.seal(SEAL, key.private_jwk, key.kid.encode())}


def _opened(keyring: Keyring, row: Row) -> SigningKey:
    values = {name: row[name] for name in _COLUMNS}
    kid = str(row["kid"]).encode()
    return SigningKey(**{**values, "private_jwk": keyring.open(SEAL, row["private_jwk"], kid)})
