"""Work that nobody asks for: done again and again, by one process of a service at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Job:
    """One such work. It must bear being done twice: a leader may be followed in the middle of it."""

    name: str
    """Name of the job, for example `user.domains`; whoever leads under it does it."""
    every: timedelta
    """The pause after work that left nothing to do."""
    work: Callable[[], Awaitable[bool | None]]
    """Does a bounded piece, durable when this returns; True says that there may be more."""

    async def run(self) -> None:
        """Do the work now and after each pause, until cancelled or until it fails."""
        while True:
            if not await self.work():
                await asyncio.sleep(self.every.total_seconds())
