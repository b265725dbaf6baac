"""Calls end in time; work on data that has begun ends cleanly all the same.

A read is cancelled when its time is over. A mutation runs in a task of its own: the caller is told DEADLINE_EXCEEDED, the
unit of work runs on to its commit or rollback, bounded by the statement timeout. Cancelling transactions half-way throws
connections away and ends in collapse.

A stream has no time in which it is over: what is bounded is the wait for each message of a client.
"""

from __future__ import annotations

import asyncio
from typing import Any

from services.chassis.errors import DeadlineExceeded
from services.chassis.rpc.middleware import Call, Handler, Method, Middleware

MINIMUM_S = 0.005  # less is not enough to do anything but time out
RESERVE_S = 0.02  # long enough to send a status home


def deadlines(unfinished: set[asyncio.Task[Any]]) -> Middleware:
    """Bound every call by the policy and by what its caller allows. `unfinished` holds the mutations that outlive a call."""

    def around(handle: Handler, method: Method) -> Handler:
        limit_s = method.policy.timeout_s
        if method.streams_in:
            return _hurried(handle, method.name, limit_s)
        if method.streams_out:
            return handle
        if method.policy.repeatable == "always":
            return _cancelled(handle, method.name, limit_s)
        return _shielded(handle, method.name, limit_s, unfinished)

    return around


def _hurried(handle: Handler, name: str, limit_s: float) -> Handler:
    async def handler(call: Call) -> Any:
        call.request.hurry(limit_s)
        try:
            return await handle(call)
        except TimeoutError:
            raise DeadlineExceeded(f"{name} waited {limit_s:g} s for the next message.") from None

    return handler


def _cancelled(handle: Handler, name: str, limit_s: float) -> Handler:
    async def handler(call: Call) -> Any:
        try:
            async with asyncio.timeout(_remaining_s(call, name, limit_s)):
                return await handle(call)
        except TimeoutError:
            raise _out_of_time(name) from None

    return handler


def _shielded(handle: Handler, name: str, limit_s: float, unfinished: set[asyncio.Task[Any]]) -> Handler:
    async def handler(call: Call) -> Any:
        remaining_s = _remaining_s(call, name, limit_s)
        task = asyncio.ensure_future(handle(call))
        unfinished.add(task)
        task.add_done_callback(unfinished.discard)
        try:
            async with asyncio.timeout(remaining_s):
                return await asyncio.shield(task)
        except TimeoutError:
            if task.done():
                raise
            raise _out_of_time(name) from None
        finally:
            if not task.done():
                task.add_done_callback(_retrieved)

    return handler


def _remaining_s(call: Call, name: str, limit_s: float) -> float:
    remaining_s = call.context.time_remaining()
    if remaining_s is None:
        return limit_s
    if remaining_s < MINIMUM_S:
        raise _out_of_time(name)
    return float(min(limit_s, max(MINIMUM_S, remaining_s - RESERVE_S)))


def _out_of_time(name: str) -> DeadlineExceeded:
    return DeadlineExceeded(f"{name} ran out of time.")


def _retrieved(task: asyncio.Task[Any]) -> None:
    """Take the outcome that nobody waits for any more, so that asyncio does not report it as forgotten."""
    if not task.cancelled():
        task.exception()
