"""Audited calls that belong to no effect: refusals, and reads. Written beside the calls, in transactions of their own.

Nobody waits for it and no flood fills the disk: of each caller so many a minute are told one by one, the rest of the minute
as one that says how many it stands for. What waits here dies with the process; the log line of the call was written before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.chassis.audit.call import AuditedCall
from services.chassis.clock import Clock

log = structlog.get_logger()
MINUTE = timedelta(minutes=1)
BATCH = 100
MOST_WAITING = 1000
MOST_CALLERS = 10_000
LOOK_EVERY_S = 1.0
LAST_WORDS_S = 3.0  # what a drain may spend on writing what waits

Write = Callable[[Sequence[AuditedCall]], Awaitable[None]]
"""Announces calls, durably when it returns."""


@dataclass(slots=True)
class _Minute:
    """What one caller was refused within a minute."""

    ends_at: datetime
    told: int = 0
    rest: AuditedCall | None = None


class Trail:
    """Tells of calls that belong to no effect."""

    def __init__(self, write: Write, now: Clock, new_id: Callable[[str], str], *, per_minute: int) -> None:
        self.now, self.new_id = now, new_id
        self._write, self._per_minute = write, per_minute
        self._minutes: dict[tuple[str, str], _Minute] = {}
        self._waiting: deque[AuditedCall] = deque()
        self._wake = asyncio.Event()

    def add(self, call: AuditedCall) -> None:
        """Have a call told soon. Returns at once."""
        key = (call.actor, call.organization)
        if (minute := self._minutes.get(key)) is not None and call.time >= minute.ends_at:
            self._end(key)
            minute = None
        if minute is None:
            if len(self._minutes) >= MOST_CALLERS:
                log.warning("audit_left_out", rpc=call.rpc)
                return
            minute = self._minutes[key] = _Minute(call.time + MINUTE)
        if minute.told < self._per_minute and len(self._waiting) < MOST_WAITING:
            minute.told += 1
            self._waiting.append(call)
            self._wake.set()
        else:
            minute.rest = replace(call, call_count=1 + (minute.rest.call_count if minute.rest else 0))

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S)
            self._wake.clear()
            self.end_minutes()
            try:
                await self.write_waiting()
            except Exception as error:  # the database is away: what waits is bounded, and tried again
                log.warning("audit_waits", waiting=len(self._waiting), error=type(error).__name__)

    async def close(self) -> None:
        """Write what is left, as far as that is possible in a moment."""
        for key in [*self._minutes]:
            self._end(key)
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self.write_waiting()
        except Exception as error:
            log.warning("audit_left_out", waiting=len(self._waiting), error=type(error).__name__)

    def end_minutes(self) -> None:
        """Let the rests of minutes that are over be told."""
        now = self.now()
        for key in [key for key, minute in self._minutes.items() if now >= minute.ends_at]:
            self._end(key)

    async def write_waiting(self) -> None:
        """Write everything that waits, a batch at a time. What cannot be written goes on waiting."""
        while self._waiting:
            batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
            await self._write(batch)
            for _ in batch:
                self._waiting.popleft()

    def _end(self, key: tuple[str, str]) -> None:
        if (rest := self._minutes.pop(key).rest) is not None:
            self._waiting.append(rest)
