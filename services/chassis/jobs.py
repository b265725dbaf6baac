"""Work that time brings: done in bounded batches by one process of a service, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work, done under the leadership of its name. A batch that fails is tried again by the next leader."""

    name: str
    """For example `user.purge-organizations`; whoever leads it is the only one who does it."""
    every_s: float
    """Rest after a batch that left nothing to do."""
    work: Callable[[], Awaitable[bool]]
    """Do one batch, which is durable when this returns; say whether there may be more."""

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            if not await self.work():
                await asyncio.sleep(self.every_s)
