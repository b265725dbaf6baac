"""The cache port in memory; `away` makes it behave as while its server is gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from services.chassis.cache import CacheUnavailable
from services.chassis.clock import Clock


class FakeCache:
    """Cache by an injected clock."""

    def __init__(self, now: Clock, *, on_failure: Literal["open", "closed"]) -> None:
        self._now, self._on_failure = now, on_failure
        self._values: dict[str, tuple[datetime, bytes]] = {}
        self.away = False

    async def get(self, key: str) -> bytes | None:
        ends_at, value = self._values.get(key, (self._now(), b""))
        return value if self._there() and self._now() < ends_at else None

    async def set(self, key: str, value: bytes, *, ttl_s: float) -> None:
        if self._there():
            self._values[key] = (self._now() + timedelta(seconds=ttl_s), value)

    async def delete(self, key: str) -> None:
        if self._there():
            self._values.pop(key, None)

    def _there(self) -> bool:
        if self.away and self._on_failure == "closed":
            raise CacheUnavailable
        return not self.away
