"""Operations in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2
from sqlalchemy import bindparam, delete, insert, select, update

from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.errors import ServiceError
from services.chassis.lists import ListQuery, Rows
from services.chassis.operations.operation import KEPT, Operation, OperationCancelled, Progress
from services.chassis.operations.tables import operations
from services.chassis.rpc.errors import status_of

_COLUMNS = tuple(column.name for column in operations.c)
_PROGRESS = ("stage", "done_count", "total_count", "waiting_for")
_FIXED = ("name", "verb", "owner", "target", "create_time")
_one = operations.c.name == bindparam("key")
_same = (operations.c.verb == bindparam("of_verb"), operations.c.target == bindparam("of_target"))

_find = Statement(select(operations).where(_one))
_lock = Statement(select(operations).where(_one).with_for_update())
# The lock is the lease: it lasts as long as the transaction of the step, and a killed runner's ends with its connection.
_take = Statement(
    select(operations)
    .where(operations.c.end_time.is_(None), operations.c.next_time <= bindparam("at"))
    .order_by(operations.c.next_time)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_find_running = Statement(select(operations).where(*_same, operations.c.end_time.is_(None)).limit(1))
_find_last = Statement(select(operations).where(*_same).order_by(operations.c.name.desc()).limit(1))
_add = Statement(insert(operations).values({name: bindparam(name) for name in _COLUMNS}))
_save = Statement(update(operations).where(_one).values({name: bindparam(name) for name in _COLUMNS if name not in _FIXED}))
_expired = (
    select(operations.c.name).where(operations.c.expire_time <= bindparam("at")).limit(bindparam("most")).scalar_subquery()
)
_forget = Statement(delete(operations).where(operations.c.name.in_(_expired)))
_list = Listing(
    select(operations).where(operations.c.owner == bindparam("of_owner")),
    key=operations.c.name,
    fields={
        "verb": operations.c.verb,
        "target": operations.c.target,
        "done": operations.c.end_time.is_not(None),
        "create_time": operations.c.create_time,
        "update_time": operations.c.update_time,
    },
    sortable=("create_time", "update_time"),
    default_order="create_time desc",
)


class SqlOperations:
    """Reads operations, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, name: str) -> Operation | None:
        row = await self._database.fetchrow(_find, key=name)
        return _operation(row) if row else None

    async def list(self, owner: str, query: ListQuery) -> Rows[Operation]:
        return await _list.page(self._database, query, _operation, of_owner=owner)


class ChangedOperations:
    """Operations inside a transaction. `domain` is the one that errors of this service carry."""

    def __init__(self, tx: SqlTransaction, codec: Callable[[Any], Message], domain: str) -> None:
        self._tx, self._codec, self._domain = tx, codec, domain

    async def add(self, operation: Operation) -> None:
        await self._tx.execute(_add, **_values(operation))

    async def lock(self, name: str) -> Operation | None:
        row = await self._tx.fetchrow(_lock, key=name)
        return _operation(row) if row else None

    async def take(self, at: datetime) -> Operation | None:
        row = await self._tx.fetchrow(_take, at=at)
        return _operation(row) if row else None

    async def find_running(self, verb: str, target: str) -> Operation | None:
        row = await self._tx.fetchrow(_find_running, of_verb=verb, of_target=target)
        return _operation(row) if row else None

    async def find_last(self, verb: str, target: str) -> Operation | None:
        row = await self._tx.fetchrow(_find_last, of_verb=verb, of_target=target)
        return _operation(row) if row else None

    async def save(self, operation: Operation) -> None:
        await self._tx.execute(_save, key=operation.name, **_values(operation))

    async def succeed(self, operation: Operation, answer: Any, *, forever: bool = False) -> Operation:
        response = packed(self._codec(answer))
        ended = operation.ended(self._tx.now, response=response, kept=None if forever else KEPT)
        await self.save(ended)
        return ended

    async def fail(self, operation: Operation, error: ServiceError) -> Operation:
        ended = operation.ended(self._tx.now, error=status_bytes(error, self._domain))
        await self.save(ended)
        return ended

    async def forget(self, at: datetime, limit: int) -> int:
        return await self._tx.execute(_forget, at=at, most=limit)


def packed(message: Message) -> bytes:
    """Return a message as a serialized `google.protobuf.Any`."""
    wrapper = any_pb2.Any()
    wrapper.Pack(message)
    return wrapper.SerializeToString()


def status_bytes(error: ServiceError, domain: str) -> bytes:
    """Return an error as a serialized `google.rpc.Status`."""
    status = status_of(error, domain)
    if isinstance(error, OperationCancelled):
        status.code = code_pb2.CANCELLED
    return bytes(status.SerializeToString())


def _operation(row: Row) -> Operation:
    values = {name: row[name] for name in _COLUMNS if name not in _PROGRESS}
    progress = Progress(row["stage"], row["done_count"], row["total_count"], tuple(row["waiting_for"]))
    return Operation(**{**values, "checkpoint": json.loads(values["checkpoint"]), "progress": progress})


def _values(operation: Operation) -> dict[str, Any]:
    values = {name: getattr(operation, name) for name in _COLUMNS if name not in _PROGRESS}
    progress = {name: getattr(operation.progress, name) for name in _PROGRESS}
    progress["waiting_for"] = list(operation.progress.waiting_for)
    return {**values, **progress, "checkpoint": json.dumps(dict(operation.checkpoint))}
