"""Bounded concurrency: refuse early rather than late."""

from __future__ import annotations

from typing import Any

from services.chassis.errors import ResourceExhausted
from services.chassis.rpc.middleware import Call, Handler, Method, Middleware


def shed(max_concurrent_calls: int) -> Middleware:
    """Serve at most `max_concurrent_calls` of one process at once; the next is told at once to try again."""
    running = 0

    def around(handle: Handler, method: Method) -> Handler:
        async def handler(call: Call) -> Any:
            nonlocal running
            if running >= max_concurrent_calls:
                raise ResourceExhausted("The service is busy; try again.", retry_after_s=0.2)
            running += 1
            try:
                return await handle(call)
            finally:
                running -= 1

        return handler

    return around
