"""The event port on Valkey Streams: one stream per publishing package, one consumer group per subscription.

`reader.py` delivers. Streams have no back-off, no delivery limit and no dead letters of their own: both make them. What ends
access tokens goes to everybody beside it (`broadcast.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.chassis.bus.broadcast import broadcast
from services.chassis.bus.bus import DeadLetter, Event, Subscription
from services.chassis.bus.entries import ONLY, REASON, dead_letters_of, entry_of, fields_of, stream_of
from services.chassis.bus.reader import Reader

# Moves an event from the dead letters to its stream, unless somebody else just did.
_REPLAY = """
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
return 1
"""


def connect_valkey(url: str) -> Any:
    """Return a client whose pool waits for a connection instead of failing, and whose calls end.

    One retry, at once: it replaces a connection that a restart of Valkey broke. Whoever calls decides about waiting longer.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        protocol=2,
        max_connections=20,
        timeout=5,
        socket_timeout=5,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 1),
    )
    return Redis.from_pool(pool)


class ValkeyBus:
    """EventBus on Valkey or Redis."""

    def __init__(self, valkey: Any) -> None:
        self._valkey = valkey
        self._replay = valkey.register_script(_REPLAY)

    async def publish(self, events: Sequence[Event]) -> None:
        try:
            async with self._valkey.pipeline(transaction=False) as pipeline:
                for event in events:
                    pipeline.xadd(stream_of(event.topic), fields_of(event))
                    broadcast(pipeline, event)
                await pipeline.execute()
        except RedisError as error:
            raise ConnectionError(f"the bus did not take the events: {type(error).__name__}") from error

    async def consume(self, subscription: Subscription) -> None:
        streams = sorted({stream_of(topic) for topic in subscription.topics})
        async with asyncio.TaskGroup() as readers:
            for stream in streams:
                readers.create_task(Reader(self._valkey, subscription, stream).run())

    async def dead_letters(self, subscription: str) -> list[DeadLetter]:
        return [
            DeadLetter(entry.id, entry.event, fields[REASON.encode()].decode())
            for entry_id, fields in await self._valkey.xrange(dead_letters_of(subscription))
            for entry in [entry_of(entry_id, fields)]
        ]

    async def replay(self, subscription: str) -> int:
        letters = await self.dead_letters(subscription)
        return sum([await self._replayed(letter, subscription) for letter in letters])

    async def _replayed(self, letter: DeadLetter, subscription: str) -> int:
        keys = [dead_letters_of(subscription), stream_of(letter.event.topic)]
        return int(await self._replay(keys, [letter.id, *_flat({**fields_of(letter.event), ONLY: subscription})]))


def _flat(fields: Mapping[str, str | bytes]) -> list[str | bytes]:
    return [part for pair in fields.items() for part in pair]
