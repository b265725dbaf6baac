"""A service's database: reads of one statement, and one unit of work for everything that changes.

    async with begin() as tx:            # claims the request's or event's identity; raises AlreadyDone if it has an answer
        …
        tx.outbox.add(event)             # same transaction: state and event cannot disagree
        await tx.commit(answer)          # same transaction: effect and first answer cannot disagree

Leaving without commit rolls back. Rollback, commit and release are shielded: a cancelled caller never leaves a
connection behind with an open transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import asyncpg
from google.protobuf.message import Message

from services.chassis import audit, repeat
from services.chassis.clock import Clock
from services.chassis.db import claims
from services.chassis.db.statements import Statement
from services.chassis.keys import Keyring

Row = asyncpg.Record


@dataclass(frozen=True, slots=True)
class Announcement:
    """A domain event as it leaves the service."""

    topic: str
    subject: str
    """Name of the resource it is about; events of one subject keep their order."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Codec:
    """How a service's domain objects become messages; bound in its wiring."""

    answer: Callable[[Any], Message]
    event: Callable[[Any], Announcement]


class Outbox:
    """Events of one unit of work, in order, until it commits."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def add(self, event: Any) -> None:
        """Announce `event` if, and only if, the transaction commits."""
        self.events.append(event)


@dataclass(slots=True)
class Database:
    """The pool and what a unit of work needs beside it."""

    pool: asyncpg.Pool[Row]
    now: Clock
    new_id: Callable[[str], str]
    keyring: Keyring
    codec: Codec
    committed: asyncio.Event
    """Set after a commit that announced something: wakes the relay."""

    async def fetchrow(self, statement: Statement, **values: Any) -> Row | None:
        """Return the first row of one statement, outside any transaction."""
        return await self.pool.fetchrow(statement.sql, *statement.arguments(values))

    async def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        """Return all rows of one statement, outside any transaction."""
        return await self.pool.fetch(statement.sql, *statement.arguments(values))

    async def announce(self, events: Sequence[Any]) -> None:
        """Announce events that belong to no effect, in a transaction of their own."""
        async with self.pool.acquire() as connection, connection.transaction():
            await claims.announce(connection, [self.codec.event(event) for event in events], self.new_id, self.now())
        self.committed.set()


class SqlTransaction:
    """One unit of work on one connection. Services subclass it to add their repositories."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._identity = repeat.current.get()
        self._call = audit.current.get()
        self._announced, self._answers = 0, False
        self._connection: asyncpg.pool.PoolConnectionProxy[Row] | None = None
        self._open = False
        self._committing: asyncio.Future[None] | None = None
        self.outbox = Outbox()

    @property
    def now(self) -> datetime:
        """The time of the unit of work's clock."""
        return self._database.now()

    async def fetchrow(self, statement: Statement, **values: Any) -> Row | None:
        """Return the first row of one statement."""
        return await self._running.fetchrow(statement.sql, *statement.arguments(values))

    async def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        """Return all rows of one statement."""
        return await self._running.fetch(statement.sql, *statement.arguments(values))

    async def execute(self, statement: Statement, **values: Any) -> int:
        """Run one statement and return how many rows it touched."""
        tag = await self._running.execute(statement.sql, *statement.arguments(values))
        return int(tag.rpartition(" ")[2])

    async def execute_many(self, statement: Statement, rows: Sequence[dict[str, Any]]) -> None:
        """Run one statement for each row of values."""
        await self._running.executemany(statement.sql, [statement.arguments(row) for row in rows])

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Write many new rows at once. A row that cannot be written ends the unit of work."""
        if rows:
            await self._running.copy_records_to_table(table, records=rows, columns=columns)

    async def commit(self, answer: Any = None) -> None:
        """Make everything durable at once: effect, events and, for a repeatable request, its first answer.

        With `validate_only` nothing is kept.
        """
        if isinstance(self._identity, repeat.Request) and self._identity.validate_only:
            return
        await self._settle(answer)
        self._committing = asyncio.ensure_future(self._commit(self._running))
        await asyncio.shield(self._committing)

    async def __aenter__(self) -> Self:
        self._connection = await self._database.pool.acquire()
        try:
            self._open = True  # before it is: whoever is cancelled now cannot know
            await self._connection.execute("BEGIN")
            await claims.claim(self._connection, self._identity, self._database.keyring, self.now)
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    @property
    def _running(self) -> asyncpg.pool.PoolConnectionProxy[Row]:
        if self._connection is None:
            raise RuntimeError("the unit of work is used outside `async with`")
        return self._connection

    async def _settle(self, answer: Any) -> None:
        message = self._database.codec.answer(answer) if answer is not None else None
        events = [self._database.codec.event(event) for event in (*self.outbox.events, *self._told(message))]
        await claims.announce(self._running, events, self._database.new_id, self.now)
        self._announced, self._answers = len(events), message is not None
        await claims.settle(self._running, self._identity, message, self._database.keyring)

    def _told(self, answer: Message | None) -> Sequence[audit.AuditedCall]:
        """Return the call that this is the effect of, if it is to be told: the first unit of work that answers tells it."""
        told = self._call.allowed(answer) if self._call is not None and answer is not None else None
        return [] if told is None else [told]

    async def _commit(self, connection: asyncpg.pool.PoolConnectionProxy[Row]) -> None:
        await connection.execute("COMMIT")
        self._open = False
        if self._call is not None and self._answers:
            self._call.recorded = True
        if self._announced:
            self._database.committed.set()

    async def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await _shielded(self._end(connection))

    async def _end(self, connection: asyncpg.pool.PoolConnectionProxy[Row]) -> None:
        """Roll back what is open and give the connection back; a commit under way, whose caller is gone, ends first."""
        try:
            if self._committing is not None:
                await asyncio.wait([self._committing])
            if self._open and not connection.is_closed():
                await connection.execute("ROLLBACK")
        finally:
            await self._database.pool.release(connection)


async def _shielded(work: Awaitable[Any]) -> None:
    """Wait for `work`; if the waiter is cancelled, the work goes on to its end."""
    await asyncio.shield(asyncio.ensure_future(work))


async def connect(url: str, *, size: int, statement_timeout_s: float) -> asyncpg.Pool[Row]:
    """Open a pool whose every connection bounds its statements and its idle transactions."""
    limit_ms = str(int(statement_timeout_s * 1000))
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=5,
        max_inactive_connection_lifetime=300,
        reset=_nothing_to_reset,
        server_settings={
            "statement_timeout": limit_ms,
            "idle_in_transaction_session_timeout": limit_ms,
            "application_name": "trellis",
            "jit": "off",
        },
    )


async def _nothing_to_reset(connection: asyncpg.Connection[Row]) -> None:
    """Spare a round trip per use: nothing here changes a session, and asyncpg itself rolls back what was left open."""
