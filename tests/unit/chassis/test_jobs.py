"""Work that time brings."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from services.chassis.jobs import Job


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

    await until_idle(Job("x", 3600, work))

    assert left == [True]


async def test_a_batch_that_fails_is_for_the_next_leader() -> None:
    async def work() -> bool:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        await Job("x", 3600, work).run()
