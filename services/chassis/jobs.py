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
    work: Callable[[], Awaitable[None]]

    async def run(self) -> None:
        """Do the work now and after each pause, until cancelled or until it fails."""
        while True:
            await self.work()
            await asyncio.sleep(self.every.total_seconds())
