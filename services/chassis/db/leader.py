"""One leader among the processes of a service for each role, by PostgreSQL advisory locks.

All locks of a process live in one connection, and as long as it: a killed leader is followed as soon as PostgreSQL sees the
connection close.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Mapping

import asyncpg
import structlog

log = structlog.get_logger()
RETRY_S = 0.5
ANSWER_S = 10.0

Work = Callable[[], Awaitable[None]]


async def lead(url: str, works: Mapping[str, Work]) -> None:
    """Run the work of every role that this process holds; end only by cancellation."""
    while True:
        try:
            await _lead_once(url, works)
        except Exception as error:  # the database went away, in whatever words: the work must go on
            log.warning("session_of_leader_lost", error=type(error).__name__)
        await asyncio.sleep(RETRY_S)


async def _lead_once(url: str, works: Mapping[str, Work]) -> None:
    connection = await asyncpg.connect(url, timeout=5)
    lost, running = asyncio.Event(), dict[str, asyncio.Future[None]]()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        while not lost.is_set():
            await _look_around(connection, works, running)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), RETRY_S)
    finally:
        for work in running.values():
            work.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
        connection.terminate()


async def _look_around(
    connection: asyncpg.Connection, works: Mapping[str, Work], running: dict[str, asyncio.Future[None]]
) -> None:
    """Take the roles that nobody holds, and give those back whose work has ended: the next time anybody may take them."""
    for role, work in works.items():
        if role not in running:
            if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _lock_id(role), timeout=ANSWER_S):
                running[role] = asyncio.ensure_future(work())
        elif running[role].done():
            _say_how_it_ended(role, running.pop(role))
            await connection.execute("SELECT pg_advisory_unlock($1)", _lock_id(role), timeout=ANSWER_S)


def _say_how_it_ended(role: str, work: asyncio.Future[None]) -> None:
    if not work.cancelled() and (error := work.exception()):
        log.warning("leader_lost", role=role, error=type(error).__name__)


def _lock_id(role: str) -> int:
    return int.from_bytes(hashlib.sha256(role.encode()).digest()[:8], signed=True)
