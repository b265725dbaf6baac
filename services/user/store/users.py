"""Users in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, bindparam, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows
from services.user.domain import User, UserNotFound, UserState
from services.user.store.tables import memberships, users

_COLUMNS = tuple(column.name for column in users.c)
_member = select(memberships.c.user).where(memberships.c.organization == bindparam("organization"))

_get = Statement(select(users).where(users.c.name == bindparam("name")))
_lock = Statement(select(users).where(users.c.name == bindparam("name")).with_for_update())
_lock_due = Statement(
    select(users)
    .where(users.c.purge_time <= bindparam("at"), users.c.state == UserState.DELETED)
    .order_by(users.c.purge_time)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_find_visible = Statement(
    select(users).where(
        users.c.name == func.any(bindparam("names", type_=ARRAY(Text))),
        or_(users.c.name == bindparam("caller"), users.c.name.in_(_member)),
    )
)
_add = Statement(upsert(users).values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing())
_save = Statement(
    update(users)
    .where(users.c.name == bindparam("key"))
    .values({name: bindparam(name) for name in _COLUMNS if name not in ("name", "email", "create_time", "provisioned_by")})
)
_list = Listing(
    # Ordered by the membership's key: a page deep down begins where it lies, instead of passing all that come before.
    select(users)
    .join(memberships, memberships.c.user == users.c.name)
    .where(
        memberships.c.organization == bindparam("organization"),
        or_(users.c.state < UserState.DELETED, users.c.state == UserState.PROVISIONED, bindparam("show_deleted") == true()),
    ),
    key=memberships.c.user,
    twin=users.c.name,
    fields={
        "display_name": users.c.display_name,
        "email": users.c.email,
        "language_code": users.c.language_code,
        "time_zone": users.c.time_zone,
        "state": users.c.state,
        "create_time": users.c.create_time,
        "update_time": users.c.update_time,
    },
    sortable=("display_name", "email", "create_time", "update_time"),
    enums={"state": {f"STATE_{state.name}": state.value for state in UserState}},
)


class SqlUsers:
    """Reads users, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> User:
        row = await self._database.fetchrow(_get, name=name)
        if row is None:
            raise UserNotFound(name)
        return _user(row)

    async def find_visible(self, names: Sequence[str], caller: str, organization: str) -> list[User]:
        rows = await self._database.fetch(_find_visible, names=list(names), caller=caller, organization=organization)
        return [_user(row) for row in rows]

    async def list(self, organization: str, query: ListQuery, *, show_deleted: bool) -> Rows[User]:
        return await _list.page(self._database, query, _user, organization=organization, show_deleted=show_deleted)


class ChangedUsers:
    """Users inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, name: str) -> User:
        row = await self._tx.fetchrow(_lock, name=name)
        if row is None:
            raise UserNotFound(name)
        return _user(row)

    async def save(self, user: User) -> None:
        await self._tx.execute(_save, key=user.name, **_values(user))

    async def add(self, user: User) -> bool:
        return await self._tx.execute(_add, **_values(user)) == 1

    async def lock_due(self, at: datetime) -> User | None:
        row = await self._tx.fetchrow(_lock_due, at=at)
        return _user(row) if row else None


def _user(row: Row) -> User:
    values = {name: row[name] for name in _COLUMNS}
    return User(**{**values, "state": UserState(values["state"])})


def _values(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in _COLUMNS}
