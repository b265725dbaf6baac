"""Bytes that may be forgotten at any time: the port, and Valkey behind it. Nothing here is anybody's only copy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Literal, Protocol

import structlog
from redis.exceptions import RedisError

from services.chassis.errors import Unavailable

log = structlog.get_logger()
PATIENCE_S = 0.1  # longer than this, what is cached can be made anew


class CacheUnavailable(Unavailable):
    """The cache does not answer, and its user cannot do without."""

    def __init__(self) -> None:
        super().__init__("The cache does not answer; try again soon.", retry_after_s=1)


class Cache(Protocol):
    """Values by key, each with an end. Every use states what happens while the cache is away:

    open    nothing is found, nothing is kept, a deleted value may come back until its end
    closed  every call raises CacheUnavailable
    """

    async def get(self, key: str) -> bytes | None: ...
    async def set(self, key: str, value: bytes, *, ttl_s: float) -> None: ...
    async def delete(self, key: str) -> None: ...


class ValkeyCache:
    """Cache in Valkey, shared by all processes of a service."""

    def __init__(self, valkey: Any, *, on_failure: Literal["open", "closed"], prefix: str = "trellis:cache:") -> None:
        self._valkey, self._on_failure, self._prefix = valkey, on_failure, prefix

    async def get(self, key: str) -> bytes | None:
        found: bytes | None = await self._answer(self._valkey.get(self._prefix + key))
        return found

    async def set(self, key: str, value: bytes, *, ttl_s: float) -> None:
        await self._answer(self._valkey.set(self._prefix + key, value, px=max(1, round(ttl_s * 1000))))

    async def delete(self, key: str) -> None:
        await self._answer(self._valkey.delete(self._prefix + key))

    async def _answer(self, command: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await command
        except (RedisError, OSError) as error:
            log.warning("cache_away", mode=self._on_failure, error=type(error).__name__)
            if self._on_failure == "closed":
                raise CacheUnavailable from None
            return None
