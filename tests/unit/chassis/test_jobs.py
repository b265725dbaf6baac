"""Work that is done again and again."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest

from services.chassis.jobs import Job


async def test_it_is_done_again_until_cancelled() -> None:
    done = asyncio.Semaphore(0)

    async def work() -> None:
        done.release()

    running = asyncio.create_task(Job("test", timedelta(0), work).run())
    for _ in range(3):
        await done.acquire()
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running


async def test_it_ends_where_the_work_fails() -> None:
    async def work() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await Job("test", timedelta(hours=1), work).run()


async def until_idle(job: Job) -> None:
    """Run a job until it rests."""
    running = asyncio.ensure_future(job.run())
    for _ in range(20):
        await asyncio.sleep(0)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_it_works_until_nothing_is_left_and_then_rests() -> None:
    left = [True, True, False, True]

    async def work() -> bool:
        return left.pop(0)

    await until_idle(Job("x", timedelta(hours=1), work))

    assert left == [True]
