"""Token buckets in Valkey, shared by all processes of a service."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, NamedTuple

import structlog
from redis.exceptions import RedisError

log = structlog.get_logger()
PATIENCE_S = 0.1  # a limit is not worth more of a call's time

# One round trip; Valkey's own clock, so that processes need not agree on the time.
_TAKE = """
local now = redis.call('TIME')
local t = now[1] + now[2] / 1e6
local b = redis.call('HMGET', KEYS[1], 'tokens', 'time')
local capacity, refill, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tokens = math.min(capacity, (tonumber(b[1]) or capacity) + math.max(0, t - (tonumber(b[2]) or t)) * refill)
local wait = 0
if tokens >= cost then tokens = tokens - cost else wait = (cost - tokens) / refill end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'time', tostring(t))
redis.call('EXPIRE', KEYS[1], math.ceil(capacity / refill) + 1)
return tostring(wait)
"""


class Verdict(NamedTuple):
    """Whether a call may go on, and if not, when the next may."""

    allowed: bool
    retry_after_s: float


class TokenBucket:
    """Buckets by key. `on_failure` says what happens while Valkey does not answer."""

    def __init__(self, valkey: Any, *, on_failure: Literal["open", "closed"], prefix: str = "trellis:limit:") -> None:
        self._take = valkey.register_script(_TAKE)
        self._on_failure, self._prefix = on_failure, prefix

    async def take(self, key: str, *, capacity: float, refill_per_s: float, cost: float = 1) -> Verdict:
        """Take `cost` tokens, or say how long to wait for them."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                wait_s = float(await self._take([self._prefix + key], [capacity, refill_per_s, cost]))
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("limit_unknown", mode=self._on_failure, error=type(error).__name__)
            return Verdict(self._on_failure == "open", 1.0)
        return Verdict(wait_s == 0, wait_s)
