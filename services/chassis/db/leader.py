"""One leader among the processes of a service, by a PostgreSQL advisory lock.

The lock lives as long as its connection: a killed leader is followed as soon as PostgreSQL sees the connection close.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

log = structlog.get_logger()
RETRY_S = 0.5


async def lead(url: str, role: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` whenever this process holds `role`; end only by cancellation."""
    while True:
        try:
            await _lead_once(url, role, work)
        except Exception as error:  # the database or the bus went away, in whatever words: the work must go on
            log.warning("leader_lost", role=role, error=type(error).__name__)
        await asyncio.sleep(RETRY_S)


async def _lead_once(url: str, role: str, work: Callable[[], Awaitable[None]]) -> None:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _lock_id(role)):
            return
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        await _run_until(lost, work)
    finally:
        connection.terminate()


async def _run_until(lost: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    running = asyncio.ensure_future(work())
    waiting = asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        waiting.cancel()
        running.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)


def _lock_id(role: str) -> int:
    return int.from_bytes(hashlib.sha256(role.encode()).digest()[:8], signed=True)
