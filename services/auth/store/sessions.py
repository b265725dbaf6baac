"""Sessions in PostgreSQL."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

import asyncpg
from sqlalchemy import bindparam, delete, insert, select, true, update

from services.auth.domain import Cause, CredentialsInvalid, Session
from services.auth.store.tables import sessions
from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows

_COLUMNS = tuple(field.name for field in fields(Session))
_one = sessions.c.name == bindparam("key")
_alive = sessions.c.revoke_time.is_(None) & (sessions.c.expire_time > bindparam("at"))

_find = Statement(select(sessions).where(_one))
_lock = Statement(select(sessions).where(_one).with_for_update())
_lock_alive = Statement(
    select(sessions).where(sessions.c.user == bindparam("of_user"), _alive).order_by(sessions.c.name).with_for_update()
)
_add = Statement(insert(sessions).values({name: bindparam(name) for name in _COLUMNS}))
_rotate = Statement(
    update(sessions)
    .where(_one, _alive, sessions.c.generation == bindparam("current"))
    .values(generation=sessions.c.generation + 1, rotate_time=bindparam("at"), last_refresh_time=bindparam("at"))
    .returning(sessions)
)
_end = Statement(update(sessions).where(_one).values(revoke_time=bindparam("at"), cause=bindparam("why")))
_end_all = Statement(
    update(sessions)
    .where(sessions.c.user == bindparam("of_user"), sessions.c.name != bindparam("kept"), _alive)
    .values(revoke_time=bindparam("at"), cause=bindparam("why"))
)
_set_organization = Statement(update(sessions).where(_one).values(organization=bindparam("chosen")))
_list = Listing(
    select(sessions).where(sessions.c.user == bindparam("of_user"), _alive | (bindparam("show_ended") == true())),
    key=sessions.c.name,
    fields={
        "organization": sessions.c.organization,
        "create_time": sessions.c.create_time,
        "last_refresh_time": sessions.c.last_refresh_time,
        "expire_time": sessions.c.expire_time,
    },
    sortable=("create_time", "last_refresh_time", "expire_time"),
    default_order="create_time desc",
)
_forget = Statement(
    delete(sessions).where(
        sessions.c.name.in_(
            select(sessions.c.name)
            .where(sessions.c.expire_time < bindparam("before"))
            .order_by(sessions.c.expire_time)
            .limit(bindparam("batch"))
            .with_for_update(skip_locked=True)
        )
    )
)


class SqlSessions:
    """Reads sessions, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, name: str) -> Session | None:
        row = await self._database.fetchrow(_find, key=name)
        return _session(row) if row else None

    async def list(self, user: str, at: datetime, query: ListQuery, *, show_ended: bool) -> Rows[Session]:
        return await _list.page(self._database, query, _session, of_user=user, at=at, show_ended=show_ended)


class ChangedSessions:
    """Sessions inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, session: Session) -> None:
        try:
            await self._tx.execute(_add, **{name: getattr(session, name) for name in _COLUMNS})
        except asyncpg.ForeignKeyViolationError:
            raise CredentialsInvalid from None

    async def lock(self, name: str) -> Session | None:
        row = await self._tx.fetchrow(_lock, key=name)
        return _session(row) if row else None

    async def lock_alive(self, user: str, at: datetime) -> list[Session]:
        return [_session(row) for row in await self._tx.fetch(_lock_alive, of_user=user, at=at)]

    async def rotate(self, name: str, generation: int, at: datetime) -> Session | None:
        row = await self._tx.fetchrow(_rotate, key=name, current=generation, at=at)
        return _session(row) if row else None

    async def end(self, name: str, at: datetime, cause: Cause) -> None:
        await self._tx.execute(_end, key=name, at=at, why=int(cause))

    async def end_all(self, user: str, at: datetime, cause: Cause, *, kept: str) -> int:
        return await self._tx.execute(_end_all, of_user=user, kept=kept, at=at, why=int(cause))

    async def set_organization(self, name: str, organization: str) -> None:
        await self._tx.execute(_set_organization, key=name, chosen=organization)

    async def forget(self, before: datetime, limit: int) -> int:
        return await self._tx.execute(_forget, before=before, batch=limit)


def _session(row: Row) -> Session:
    return Session(**{name: row[name] for name in _COLUMNS})
