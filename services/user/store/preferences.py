"""Preferences in PostgreSQL. A row is made when it is first locked: what was never said needs none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Column, Text, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.user.domain import OrganizationNotFound, Preferences, UserNotFound
from services.user.store.tables import organizations, users
from services.user.store.tables import preferences as table

_VALUES = ("theme", "date_format", "clock_format", "first_weekday", "digest", "rows_per_page", "update_time", "version")


def _made(column: str, holder: Column[str]) -> Statement:
    """Return the statement that makes an empty row for a holder that is there, and none for nobody."""
    name = bindparam("preferences", type_=Text).label("name")
    row = select(name, holder).where(holder == bindparam("holder"))
    return Statement(upsert(table).from_select(["name", column], row).on_conflict_do_nothing())


_find = Statement(select(table).where(table.c.name == func.any(bindparam("names", type_=ARRAY(Text)))))
_make = {
    "users": _made("user", users.c.name),
    "organizations": _made("organization", organizations.c.name),
}
_lock = Statement(select(table).where(table.c.name == bindparam("key")).with_for_update())
_save = Statement(update(table).where(table.c.name == bindparam("key")).values({name: bindparam(name) for name in _VALUES}))


class SqlPreferences:
    """Reads preferences, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, names: Sequence[str]) -> dict[str, Preferences]:
        rows = await self._database.fetch(_find, names=list(names))
        return {name: Preferences(name) for name in names} | {row["name"]: _preferences(row) for row in rows}


class ChangedPreferences:
    """Preferences inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, name: str) -> Preferences:
        holder = name.removesuffix("/preferences")
        collection = holder.partition("/")[0]
        await self._tx.execute(_make[collection], preferences=name, holder=holder)
        row = await self._tx.fetchrow(_lock, key=name)
        if row is None:
            raise UserNotFound(holder) if collection == "users" else OrganizationNotFound(holder)
        return _preferences(row)

    async def save(self, preferences: Preferences) -> None:
        values: dict[str, Any] = {name: getattr(preferences, name) for name in _VALUES}
        await self._tx.execute(_save, key=preferences.name, **values)


def _preferences(row: Row) -> Preferences:
    return Preferences(row["name"], **{name: row[name] for name in _VALUES})
