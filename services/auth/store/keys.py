"""Signing keys in PostgreSQL; the private half is sealed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, func, insert, literal, select, update

from services.auth.domain import SigningKey
from services.auth.store.tables import signing_keys
from services.chassis.db.session import Database, Row
from services.chassis.db.statements import Statement

SEAL = "signing-key"
_FIRST = 7_401_226  # advisory lock: processes that start at once make one first key
_COLUMNS = tuple(column.name for column in signing_keys.c)

_all = Statement(select(signing_keys).order_by(signing_keys.c.create_time, signing_keys.c.kid))
_add = Statement(insert(signing_keys).values({name: bindparam(name) for name in _COLUMNS}))
_count = Statement(select(func.count()).select_from(signing_keys))
_lock = Statement(select(func.pg_advisory_xact_lock(literal(_FIRST))))
_retire = Statement(
    update(signing_keys)
    .where(signing_keys.c.kid < bindparam("newest"), signing_keys.c.retire_time.is_(None))  # ids are ordered by time
    .values(retire_time=bindparam("at"))
)


class SqlSigningKeys:
    """Signing keys; outside of any request, so without a unit of work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[SigningKey]:
        now = self._database.now()
        rows = await self._database.fetch(_all)
        return [self._opened(row) for row in rows if row["retire_time"] is None or now < row["retire_time"]]

    async def add(self, key: SigningKey) -> None:
        await self._database.pool.execute(_add.sql, *_add.arguments(self._sealed(key)))

    async def add_first(self, key: SigningKey) -> None:
        async with self._database.pool.acquire() as connection, connection.transaction():
            await connection.execute(_lock.sql, *_lock.arguments({}))
            if not await connection.fetchval(_count.sql):
                await connection.execute(_add.sql, *_add.arguments(self._sealed(key)))

    async def retire_before(self, kid: str, at: datetime) -> None:
        await self._database.pool.execute(_retire.sql, *_retire.arguments({"newest": kid, "at": at}))

    def _sealed(self, key: SigningKey) -> dict[str, object]:
        values = {name: getattr(key, name) for name in _COLUMNS}
        return {**values, "private_jwk": self._database.keyring.seal(SEAL, key.private_jwk, key.kid.encode())}

    def _opened(self, row: Row) -> SigningKey:
        values = {name: row[name] for name in _COLUMNS}
        kid = str(row["kid"]).encode()
        return SigningKey(**{**values, "private_jwk": self._database.keyring.open(SEAL, row["private_jwk"], kid)})
