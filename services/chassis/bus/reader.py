"""Delivers one stream to one subscription: in order per subject, again after a failure, at last to the dead letters.

An event that fails holds back the later events of its subject, and nothing else. What waits stays pending in Valkey: a
reader that dies, or loses its connection, leaves everything to the next one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from redis.exceptions import RedisError, ResponseError

from services.chassis.bus.bus import HandleMany, Subscription
from services.chassis.bus.entries import (
    REASON,
    Entry,
    dead_letters_of,
    entry_of,
    failures_of,
    fields_of,
    milliseconds_of,
)

log = structlog.get_logger()

CONSUMER = "leader"  # a stable name: what a dead leader had in hand is the next one's
BATCH = 100
HELD_BACK_LIMIT = 10_000
BLOCK_S = 1.0
GATHER_S = 0.01  # between two reads that find something: when much happens, one read brings many
RECONNECT_S = 0.2
FINISH_S = 5.0  # what an event in hand may take once the reader has to end
FAILURES_KEPT_S = 86_400  # far longer than all back-off of one event
KEPT = timedelta(days=7)  # a new subscription begins with what is kept
DEAD_LETTERS_KEPT = timedelta(days=30)
TRIM_EVERY_S = 3600.0

RawEntry = tuple[bytes, dict[bytes, bytes]]
Result = TypeVar("Result")


@dataclass(slots=True)
class _HeldBack:
    """The events of one subject that wait behind one that failed."""

    entries: deque[Entry]
    due_s: float


@dataclass(slots=True)
class Reader:
    """One at a time per subscription and stream."""

    valkey: Any
    subscription: Subscription
    stream: str
    held_back: dict[str, _HeldBack] = field(default_factory=dict)
    trim_at_s: float = 0.0

    async def run(self) -> None:
        """Deliver until cancelled, through lost connections and lost groups."""
        while not cancelled():
            try:
                await self._create_group()
                await self._deliver_pending()
                while not cancelled():
                    await self._turn()
            except (RedisError, OSError) as error:
                log.warning("bus_away", subscription=self.subscription.name, error=type(error).__name__)
                await asyncio.sleep(RECONNECT_S)
        raise asyncio.CancelledError

    async def _create_group(self) -> None:
        try:
            await self.valkey.xgroup_create(self.stream, self.subscription.name, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _deliver_pending(self) -> None:
        """Deliver what was read before and never acknowledged."""
        self.held_back.clear()
        after: bytes = b"0"
        while entries := await self._read(after):
            await self._deliver(entries)
            after = entries[-1][0]

    async def _turn(self) -> None:
        await self._retry()
        patience_s = self._patience_s()
        if sum(len(held.entries) for held in self.held_back.values()) < HELD_BACK_LIMIT:
            found = await self._read(b">", block_ms=max(1, int(patience_s * 1000)))
            await self._deliver(found)
            await asyncio.sleep(GATHER_S if found else 0)
        else:
            await asyncio.sleep(patience_s)
        if _now_s() >= self.trim_at_s:
            await trim(self.valkey, self.stream, KEPT)
            await trim_dead_letters(self.valkey, self.subscription.name, DEAD_LETTERS_KEPT)
            self.trim_at_s = _now_s() + TRIM_EVERY_S

    def _patience_s(self) -> float:
        now_s = _now_s()
        due_s = min((held.due_s for held in self.held_back.values()), default=now_s + BLOCK_S)
        return min(BLOCK_S, max(0.001, due_s - now_s))

    async def _read(self, after: bytes, block_ms: int | None = None) -> list[RawEntry]:
        reply = await self.valkey.xreadgroup(
            self.subscription.name, CONSUMER, {self.stream: after}, count=BATCH, block=block_ms
        )
        return list(reply[0][1]) if reply else []

    async def _deliver(self, found: Sequence[RawEntry]) -> None:
        ours = {entry_id: entry for entry_id, fields in found if (entry := self._ours(entry_id, fields))}
        await self._acknowledge(*(entry_id for entry_id, _ in found if entry_id not in ours))
        entries = [*ours.values()]
        if not await self._deliver_together(entries):
            for entry in entries:
                await self._deliver_one(entry)

    def _ours(self, entry_id: bytes, fields: dict[bytes, bytes]) -> Entry | None:
        """Return an entry that is for this subscription. Any other one is done with."""
        entry = _readable(entry_id, fields)
        if entry is None or entry.event.topic not in self.subscription.topics:
            return None
        return entry if entry.only in ("", self.subscription.name) else None

    async def _deliver_together(self, entries: Sequence[Entry]) -> bool:
        """Deliver several events as one effect, if the subscription takes many and none has to wait; whether it did."""
        handle = self.subscription.handle_many
        if handle is None or len(entries) < 2 or any(entry.event.subject in self.held_back for entry in entries):
            return False
        return await _whole(self._handle_many(handle, entries))

    async def _handle_many(self, handle: HandleMany, entries: Sequence[Entry]) -> bool:
        try:
            await handle([entry.event for entry in entries])
        except Exception as error:  # whatever it is, each event shows for itself
            log.info("events_part", subscription=self.subscription.name, events=len(entries), error=type(error).__name__)
            return False
        await self._acknowledge(*(entry.id for entry in entries))
        return True

    async def _deliver_one(self, entry: Entry) -> None:
        if entry.event.subject in self.held_back:
            self.held_back[entry.event.subject].entries.append(entry)
        elif (due_s := await self._attempt(entry)) is not None:
            self.held_back[entry.event.subject] = _HeldBack(deque([entry]), due_s)

    async def _retry(self) -> None:
        for subject, held in list(self.held_back.items()):
            if held.due_s <= _now_s() and await self._caught_up(held):
                del self.held_back[subject]

    async def _caught_up(self, held: _HeldBack) -> bool:
        """Deliver a subject's events until none is left or one fails."""
        while held.entries:
            due_s = await self._attempt(held.entries[0])
            if due_s is not None:
                held.due_s = due_s
                return False
            held.entries.popleft()
        return True

    async def _attempt(self, entry: Entry) -> float | None:
        """Deliver one event. Return when it is due again, None if never."""
        return await _whole(self._handle(entry))

    async def _handle(self, entry: Entry) -> float | None:
        try:
            await self.subscription.handle(entry.event)
        except Exception as error:  # whatever it is, the event is tried again
            log.warning("event_failed", subscription=self.subscription.name, event_id=entry.event.id, exc_info=error)
            return await self._failed(entry, error)
        await self._acknowledge(entry.id)
        return None

    async def _failed(self, entry: Entry, error: Exception) -> float | None:
        failures = await self._count_failure(entry.id)
        if failures < self.subscription.max_deliveries:
            return _now_s() + self.subscription.wait_s(failures)
        await self._bury(entry, f"{type(error).__name__}, failed {failures} times")
        return None

    async def _count_failure(self, entry_id: str) -> int:
        key = failures_of(self.subscription.name, self.stream, entry_id)
        async with self.valkey.pipeline(transaction=True) as pipeline:
            pipeline.incr(key)
            pipeline.expire(key, FAILURES_KEPT_S)
            failures, _ = await pipeline.execute()
        return int(failures)

    async def _bury(self, entry: Entry, reason: str) -> None:
        log.error("event_buried", subscription=self.subscription.name, event_id=entry.event.id, reason=reason)
        async with self.valkey.pipeline(transaction=True) as pipeline:
            pipeline.xadd(dead_letters_of(self.subscription.name), {**fields_of(entry.event), REASON: reason})
            pipeline.xack(self.stream, self.subscription.name, entry.id)
            pipeline.delete(failures_of(self.subscription.name, self.stream, entry.id))
            await pipeline.execute()

    async def _acknowledge(self, *entry_ids: str | bytes) -> None:
        if entry_ids:
            await self.valkey.xack(self.stream, self.subscription.name, *entry_ids)


async def _whole(delivery: Coroutine[Any, Any, Result]) -> Result:
    """Let a delivery come to its end even if the reader is cancelled meanwhile."""
    work = asyncio.ensure_future(delivery)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work}, timeout=FINISH_S)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        raise


async def trim(valkey: Any, stream: str, kept: timedelta) -> None:
    """Forget what every group has had, once it is older than is kept for new groups."""
    now_s, now_us = await valkey.time()
    oldest_ms = int((now_s + now_us / 1e6 - kept.total_seconds()) * 1000)
    for group in await valkey.xinfo_groups(stream):
        pending = await valkey.xpending(stream, group["name"])
        needed = pending["min"] if pending["pending"] else group["last-delivered-id"]
        oldest_ms = min(oldest_ms, milliseconds_of(needed))
    await valkey.xtrim(stream, minid=str(max(0, oldest_ms)), approximate=False)


async def trim_dead_letters(valkey: Any, subscription: str, kept: timedelta) -> None:
    """Forget what was given up so long ago that nobody will replay it."""
    now_s, _ = await valkey.time()
    oldest_ms = int((now_s - kept.total_seconds()) * 1000)
    await valkey.xtrim(dead_letters_of(subscription), minid=str(max(0, oldest_ms)), approximate=False)


def _readable(entry_id: bytes, fields: dict[bytes, bytes] | None) -> Entry | None:
    try:
        return entry_of(entry_id, fields or {})
    except (KeyError, ValueError):
        log.error("event_unreadable", entry=entry_id.decode())  # no delivery would ever succeed
        return None


def cancelled() -> bool:
    """Say whether this task was told to end: redis-py swallows a cancellation that meets the end of a send."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _now_s() -> float:
    return asyncio.get_running_loop().time()
