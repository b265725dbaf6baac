"""The contract's limits per caller, shared by all processes of a service. Limits per address are the edge's."""

from __future__ import annotations

from typing import Any

from services.chassis.errors import ResourceExhausted
from services.chassis.limits import TokenBucket
from services.chassis.rpc.middleware import Call, Handler, Method, Middleware


class RateLimited(ResourceExhausted):
    """The caller calls more often than the contract allows."""

    reason = "RATE_LIMITED"

    def __init__(self, retry_after_s: float) -> None:
        seconds = str(max(1, round(retry_after_s)))
        super().__init__(f"Too many calls; try again in {seconds} s.", retry_after_s=retry_after_s)
        self.metadata = {"retry_after_s": seconds}


def rate_limited(buckets: TokenBucket) -> Middleware:
    """Take one token a call from the caller's bucket, where the contract sets a limit per caller."""

    def around(handle: Handler, method: Method) -> Handler:
        limit = method.policy.rate_limit
        if limit is None or limit.key != "caller":
            return handle
        refill_per_s = limit.refill / limit.per_s

        async def handler(call: Call) -> Any:
            key = f"{method.name}:{call.principal.subject}"
            verdict = await buckets.take(key, capacity=limit.burst, refill_per_s=refill_per_s)
            if not verdict.allowed:
                raise RateLimited(verdict.retry_after_s)
            return await handle(call)

        return handler

    return around
