"""The event port on Valkey Streams: one stream per publishing package, one consumer group per subscription.

Streams have no back-off, no delivery limit and no dead letters; they are here. An event that fails holds back the later
events of its subject, in order, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError, ResponseError

from services.chassis.bus.bus import DeadLetter, Event, Subscription, package_of

log = structlog.get_logger()

STREAM = "trellis:events:"
DEAD = "trellis:dead:"
ATTEMPTS = "trellis:attempts:"
CONSUMER = "leader"  # a stable name: what a dead leader had in hand is the next one's
BATCH = 100
HELD_BACK_LIMIT = 10_000
BLOCK_S = 1.0
RECONNECT_S = 0.2
KEPT = timedelta(days=7)  # a new subscription begins with what is kept
TRIM_EVERY_S = 3600.0

Entry = tuple[str, dict[bytes, bytes]]


def connect_valkey(url: str) -> Any:
    """Return a client whose pool waits for a connection instead of failing, and whose calls end."""
    pool = BlockingConnectionPool.from_url(
        url, protocol=2, max_connections=20, timeout=5, socket_timeout=5, socket_connect_timeout=2
    )
    return Redis.from_pool(pool)


class ValkeyBus:
    """EventBus on Valkey or Redis."""

    def __init__(self, valkey: Any) -> None:
        self._valkey = valkey

    async def publish(self, events: Sequence[Event]) -> None:
        async with self._valkey.pipeline(transaction=False) as pipeline:
            for event in events:
                pipeline.xadd(STREAM + package_of(event.topic), _fields(event))
            await pipeline.execute()

    async def consume(self, subscription: Subscription) -> None:
        streams = {STREAM + package_of(topic) for topic in subscription.topics}
        await asyncio.gather(*(_Reader(self._valkey, subscription, stream).run() for stream in sorted(streams)))

    async def dead_letters(self, subscription: str) -> list[DeadLetter]:
        return [
            DeadLetter(_text(entry_id), _event(fields), _text(fields[b"reason"]))
            async for _, entry_id, fields in self._dead(subscription)
        ]

    async def replay(self, subscription: str) -> int:
        replayed = 0
        async for stream, entry_id, fields in self._dead(subscription):
            async with self._valkey.pipeline(transaction=True) as pipeline:
                again = {**_fields(_event(fields)), "only": subscription}
                pipeline.xadd(STREAM + package_of(_event(fields).topic), again)
                pipeline.xdel(stream, entry_id)
                await pipeline.execute()
            replayed += 1
        return replayed

    async def _dead(self, subscription: str) -> AsyncIterator[tuple[str, Any, dict[bytes, bytes]]]:
        stream = DEAD + subscription
        for entry_id, fields in await self._valkey.xrange(stream):
            yield stream, entry_id, fields


@dataclass(slots=True)
class _HeldBack:
    """The events of one subject that wait behind one that failed."""

    entries: deque[Entry]
    attempts: int
    due_s: float


@dataclass(slots=True)
class _Reader:
    """Delivers one stream to one subscription."""

    valkey: Any
    subscription: Subscription
    stream: str
    held_back: dict[str, _HeldBack] = field(default_factory=dict)
    trim_at_s: float = 0.0

    async def run(self) -> None:
        """Deliver until cancelled, through lost connections and lost groups."""
        while True:
            try:
                await self._create_group()
                await self._deliver(await self._read("0", block_s=None))
                while True:
                    await self._turn()
            except (RedisError, OSError) as error:
                log.warning("bus_away", subscription=self.subscription.name, error=type(error).__name__)
                self.held_back.clear()  # still pending in Valkey: read again from there
                await asyncio.sleep(RECONNECT_S)

    async def _turn(self) -> None:
        _end_if_cancelled()
        now_s = _now_s()
        await self._retry(now_s)
        if sum(len(held.entries) for held in self.held_back.values()) < HELD_BACK_LIMIT:
            await self._deliver(await self._read(">", self._patience_s(now_s)))
        else:
            await asyncio.sleep(self._patience_s(now_s))
        if now_s >= self.trim_at_s:
            await self._trim()
            self.trim_at_s = now_s + TRIM_EVERY_S

    def _patience_s(self, now_s: float) -> float:
        due_s = min((held.due_s for held in self.held_back.values()), default=now_s + BLOCK_S)
        return min(BLOCK_S, max(0.001, due_s - now_s))

    async def _create_group(self) -> None:
        try:
            await self.valkey.xgroup_create(self.stream, self.subscription.name, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _read(self, after: str, block_s: float | None) -> list[Entry]:
        block_ms = None if block_s is None else max(1, int(block_s * 1000))
        count = BATCH if block_s is not None else HELD_BACK_LIMIT
        reply = await self.valkey.xreadgroup(
            self.subscription.name, CONSUMER, {self.stream: after}, count=count, block=block_ms
        )
        return list(reply[0][1]) if reply else []

    async def _deliver(self, entries: list[Entry]) -> None:
        for entry in entries:
            entry_id, fields = entry
            if not fields or not self._is_ours(fields):
                await self._acknowledge(entry_id)
                continue
            subject = _text(fields[b"subject"])
            if subject in self.held_back:
                self.held_back[subject].entries.append(entry)
            elif not await self._handled(entry):
                await self._hold_back(subject, entry)

    def _is_ours(self, fields: dict[bytes, bytes]) -> bool:
        only = _text(fields.get(b"only", b""))
        return _text(fields[b"type"]) in self.subscription.topics and only in ("", self.subscription.name)

    async def _handled(self, entry: Entry) -> bool:
        entry_id, fields = entry
        try:
            await self.subscription.handle(_event(fields))
        except Exception as error:  # whatever it is, the event is tried again
            log.warning("event_failed", subscription=self.subscription.name, entry=_text(entry_id), exc_info=error)
            return False
        await self._acknowledge(entry_id)
        return True

    async def _hold_back(self, subject: str, entry: Entry) -> None:
        attempts = await self._count_attempt(entry[0])
        self.held_back[subject] = _HeldBack(deque([entry]), attempts, _now_s() + self._backoff_s(attempts))

    async def _retry(self, now_s: float) -> None:
        for subject, held in list(self.held_back.items()):
            if held.due_s <= now_s:
                await self._retry_subject(subject, held)

    async def _retry_subject(self, subject: str, held: _HeldBack) -> None:
        while held.entries:
            entry = held.entries[0]
            if held.attempts >= self.subscription.max_deliveries:
                await self._bury(entry, f"failed {held.attempts} times")
            elif not await self._handled(entry):
                held.attempts = await self._count_attempt(entry[0])
                held.due_s = _now_s() + self._backoff_s(held.attempts)
                return
            held.entries.popleft()
            held.attempts = 0
        del self.held_back[subject]

    async def _count_attempt(self, entry_id: str) -> int:
        return int(await self.valkey.hincrby(ATTEMPTS + self.subscription.name, entry_id, 1))

    def _backoff_s(self, attempts: int) -> float:
        return float(min(self.subscription.backoff_limit_s, self.subscription.backoff_s * 2 ** (attempts - 1)))

    async def _bury(self, entry: Entry, reason: str) -> None:
        entry_id, fields = entry
        log.error("event_buried", subscription=self.subscription.name, entry=_text(entry_id), reason=reason)
        async with self.valkey.pipeline(transaction=True) as pipeline:
            pipeline.xadd(DEAD + self.subscription.name, {**fields, b"reason": reason})
            pipeline.xack(self.stream, self.subscription.name, entry_id)
            pipeline.hdel(ATTEMPTS + self.subscription.name, entry_id)
            await pipeline.execute()

    async def _acknowledge(self, entry_id: str) -> None:
        await self.valkey.xack(self.stream, self.subscription.name, entry_id)

    async def _trim(self) -> None:
        """Forget what every group has had and what is older than is kept for new ones."""
        now_s, _ = await self.valkey.time()
        oldest = int((now_s - KEPT.total_seconds()) * 1000)
        for group in await self.valkey.xinfo_groups(self.stream):
            pending = await self.valkey.xpending(self.stream, group["name"])
            needed = pending["min"] if pending["pending"] else group["last-delivered-id"]
            oldest = min(oldest, int(_text(needed).partition("-")[0]))
        await self.valkey.xtrim(self.stream, minid=str(oldest), approximate=True)


def _fields(event: Event) -> dict[str, Any]:
    """Return CloudEvents' attributes by their own names."""
    return {
        "id": event.id,
        "source": event.source,
        "type": event.topic,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "traceparent": event.traceparent,
        "data": event.data,
    }


def _event(fields: dict[bytes, bytes]) -> Event:
    return Event(
        id=_text(fields[b"id"]),
        source=_text(fields[b"source"]),
        topic=_text(fields[b"type"]),
        subject=_text(fields[b"subject"]),
        time=datetime.fromisoformat(_text(fields[b"time"])),
        data=fields[b"data"],
        traceparent=_text(fields[b"traceparent"]),
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _end_if_cancelled() -> None:
    """End a cancelled task: a cancellation that arrives while the client opens a connection is swallowed there."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _now_s() -> float:
    return asyncio.get_running_loop().time()
