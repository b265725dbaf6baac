"""Sign-ups in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from services.auth.domain import SignUp
from services.auth.store.tables import sign_ups
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement

_COLUMNS = tuple(column.name for column in sign_ups.c)
_one = sign_ups.c.id == bindparam("key")

_find = Statement(select(sign_ups).where(_one))
# All sign-ups of the address, in one order: verifying one uses up the others, and two links followed at once must not wait
# for each other.
_lock = Statement(
    select(sign_ups)
    .where(sign_ups.c.email == select(sign_ups.c.email).where(_one).scalar_subquery())
    .order_by(sign_ups.c.id)
    .with_for_update()
)
_find_newest = Statement(
    select(sign_ups)
    .where(
        sign_ups.c.email == bindparam("email"),
        sign_ups.c.used_time.is_(None),
        sign_ups.c.expire_time > bindparam("at"),
    )
    .order_by(sign_ups.c.create_time.desc())
    .limit(1)
)
_add = Statement(insert(sign_ups).values({name: bindparam(name) for name in _COLUMNS}))
_use_up = Statement(
    update(sign_ups)
    .where(sign_ups.c.email == bindparam("of_email"), sign_ups.c.used_time.is_(None))
    .values(used_time=bindparam("at"))
)
_forget = Statement(
    delete(sign_ups).where(
        sign_ups.c.id.in_(
            select(sign_ups.c.id)
            .where(sign_ups.c.expire_time < bindparam("before"))
            .order_by(sign_ups.c.expire_time)
            .limit(bindparam("batch"))
            .with_for_update(skip_locked=True)
        )
    )
)


class SqlSignUps:
    """Reads sign-ups, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, sign_up: str) -> SignUp | None:
        row = await self._database.fetchrow(_find, key=sign_up)
        return _sign_up(row) if row else None

    async def find_newest(self, email: str, at: datetime) -> SignUp | None:
        row = await self._database.fetchrow(_find_newest, email=email, at=at)
        return _sign_up(row) if row else None


class ChangedSignUps:
    """Sign-ups inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, sign_up: SignUp) -> None:
        await self._tx.execute(_add, **{name: getattr(sign_up, name) for name in _COLUMNS})

    async def lock(self, sign_up: str) -> SignUp | None:
        locked = await self._tx.fetch(_lock, key=sign_up)
        return next((_sign_up(row) for row in locked if row["id"] == sign_up), None)

    async def use_up(self, email: str, at: datetime) -> None:
        await self._tx.execute(_use_up, of_email=email, at=at)

    async def forget(self, before: datetime, limit: int) -> int:
        return await self._tx.execute(_forget, before=before, batch=limit)


def _sign_up(row: Row) -> SignUp:
    return SignUp(**{name: row[name] for name in _COLUMNS})
