"""Where signing keys are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.auth.domain import SigningKey


class SigningKeys(Protocol):
    """The keys that sign access tokens."""

    async def all(self) -> list[SigningKey]:
        """Return every key that is not retired, oldest first."""
        ...

    async def add_first(self, key: SigningKey) -> None:
        """Write `key` unless there is one: several processes may try at once."""
        ...


class ChangedSigningKeys(Protocol):
    """The keys inside a transaction."""

    async def lock(self) -> list[SigningKey]:
        """Keep others from changing keys, and return every key that is not retired, oldest first."""
        ...

    async def add(self, key: SigningKey) -> None:
        """Write a new key."""
        ...

    async def retire(self, kid: str, at: datetime) -> None:
        """Write when a key ends."""
        ...

    async def purge(self, at: datetime) -> int:
        """Delete the keys that are retired at a time, and return how many there were."""
        ...
