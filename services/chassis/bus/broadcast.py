"""Revocations on their way from the relay to every process: a stream in Valkey that all follow and nobody uses up.

It holds what the last minutes brought, so that a process that starts late knows it too. Whoever loses the connection reads
all of it again: learning one twice changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import structlog
from redis.exceptions import RedisError

from services.chassis.bus.bus import Event
from services.chassis.bus.reader import cancelled
from services.chassis.revocations import KEPT_S, Revocation, Revocations, revocation_of

log = structlog.get_logger()

STREAM = "trellis:revocations"
BATCH = 1000
BLOCK_MS = 1000
RECONNECT_S = 0.2
_NAMES = tuple(field.name for field in fields(Revocation))


def broadcast(pipeline: Any, event: Event) -> None:
    """Tell everybody whose tokens the event ends. What is kept is bounded by age, never by number: a flood hides nothing."""
    revocation = revocation_of(event)
    if revocation is not None:
        values = {name: value for name in _NAMES if (value := getattr(revocation, name)) is not None}
        oldest_ms = max(0, int((event.time.timestamp() - KEPT_S) * 1000))
        pipeline.xadd(STREAM, values, minid=str(oldest_ms), approximate=True)


class Follower:
    """Lets a process know every revocation."""

    def __init__(self, valkey: Any, revocations: Revocations) -> None:
        self._valkey, self._revocations = valkey, revocations
        self.caught_up = asyncio.Event()
        """Set once all that the stream held is known."""

    async def run(self) -> None:
        """Follow until cancelled, through lost connections."""
        while not cancelled():
            try:
                await self._follow()
            except (RedisError, OSError) as error:
                log.warning("revocations_away", error=type(error).__name__)
                await asyncio.sleep(RECONNECT_S)
        raise asyncio.CancelledError

    async def _follow(self) -> None:
        after: bytes = b"0"
        while not cancelled():
            patience_ms = BLOCK_MS if self.caught_up.is_set() else None
            reply = await self._valkey.xread({STREAM: after}, count=BATCH, block=patience_ms)
            for entry_id, values in reply[0][1] if reply else ():
                self._learn(values)
                after = entry_id
            if not reply:
                self.caught_up.set()

    def _learn(self, values: Mapping[bytes, bytes]) -> None:
        try:
            read = {name.decode(): value.decode() for name, value in values.items()}
            revocation = Revocation(float(read.pop("time_s")), **read)
        except (KeyError, ValueError, TypeError):
            log.error("revocation_unreadable")  # of a newer release; its tokens end by themselves
            return
        self._revocations.add(revocation)
