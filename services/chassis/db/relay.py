"""Publishes what the outbox holds, in order, and forgets it once the bus has it.

A crash between the two publishes again: at least once on the wire, once in effect by the consumers' inbox. One leader per
service relays, so events of one subject never overtake each other. Rows are found by being there, never by a cursor: a
transaction that commits late is not skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, bindparam, delete, func, select

from services.chassis.bus.bus import Event, EventBus
from services.chassis.db import claims
from services.chassis.db.session import Database
from services.chassis.db.statements import Statement
from services.chassis.db.tables import outbox

BATCH = 200
POLL_S = 0.25  # finds what another process of the service committed; this one's commits wake the relay at once
ANSWERS_KEPT = timedelta(days=1)
INBOX_KEPT = timedelta(days=30)  # longer than any redelivery or replay
PURGE_EVERY_S = 600.0
GATHER_S = 0.01  # after a batch that was not full: when much happens, one publication holds many events

_waiting = Statement(select(outbox).order_by(outbox.c.sequence).limit(bindparam("batch")))
_published = Statement(delete(outbox).where(outbox.c.sequence == func.any(bindparam("sequences", type_=ARRAY(BigInteger)))))


async def relay(database: Database, bus: EventBus, service: str) -> None:
    """Publish until cancelled."""
    purge_at_s = 0.0
    clock = asyncio.get_running_loop().time
    while True:
        published = await publish_waiting(database, bus, service)
        if published < BATCH:
            await asyncio.sleep(GATHER_S if published else 0)
            await _pause(database.committed)
        if clock() >= purge_at_s:
            await _purge(database)
            purge_at_s = clock() + PURGE_EVERY_S


async def publish_waiting(database: Database, bus: EventBus, service: str) -> int:
    """Publish one batch and return how many events it had."""
    rows = await database.fetch(_waiting, batch=BATCH)
    if rows:
        await bus.publish([_event(row, service) for row in rows])
        await database.pool.execute(_published.sql, [row["sequence"] for row in rows])
    return len(rows)


async def _pause(committed: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(committed.wait(), POLL_S)
    committed.clear()


async def _purge(database: Database) -> None:
    now = database.now()
    await claims.purge(database.pool, answers_before=now - ANSWERS_KEPT, inbox_before=now - INBOX_KEPT)


def _event(row: Any, service: str) -> Event:
    return Event(
        id=row["id"],
        source=f"services/{service}",
        topic=row["topic"],
        subject=row["subject"],
        time=row["time"],
        traceparent=row["traceparent"],
        data=row["data"],
    )
