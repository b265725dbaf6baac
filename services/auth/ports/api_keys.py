"""Where API keys are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.auth.domain import ApiKey, Managed, Presented
from services.chassis.lists import ListQuery, Rows


class ApiKeys(Protocol):
    """Reads API keys, one statement each."""

    async def get(self, name: str) -> ApiKey:
        """Raises ApiKeyNotFound."""
        ...

    async def list(
        self, organization: str, managed: Managed, at: datetime, query: ListQuery, *, show_ended: bool
    ) -> Rows[ApiKey]:
        """Return a page of the keys that a caller manages."""
        ...

    async def find_presented(self, secret_hash: bytes) -> Presented | None:
        """Return what is known of a secret."""
        ...

    async def note_use(self, name: str, at: datetime) -> None:
        """Write when a key was last used."""
        ...


class ChangedApiKeys(Protocol):
    """API keys inside a transaction."""

    async def add(self, key: ApiKey) -> None:
        """Write a new key, which has no secret yet."""
        ...

    async def lock(self, name: str) -> ApiKey:
        """Lock and return a key. Raises ApiKeyNotFound."""
        ...

    async def lock_unrevoked(self, organization: str, subject: str) -> Sequence[ApiKey]:
        """Lock and return what a subject has in an organization, by name, save what was revoked."""
        ...

    async def save(self, key: ApiKey) -> None:
        """Write the key's current values."""
        ...

    async def add_secret(self, name: str, secret_hash: bytes, expire_time: datetime) -> None:
        """Write another secret of a key."""
        ...

    async def end_secrets(self, name: str, at: datetime, *, now: datetime) -> None:
        """Let every secret of a key end at `at`, or earlier if it would; forget those whose end has come."""
        ...

    async def purge(self, organization: str, limit: int) -> int:
        """Delete at most `limit` of an organization that is gone, and return how many there were."""
        ...


class KeyGuesses(Protocol):
    """Counts unknown secrets by the address that presents them."""

    async def begin(self, address: str) -> float:
        """Count a secret as unknown for now. Return 0, or how many seconds to wait instead of looking for it."""
        ...

    async def undo(self, address: str) -> None:
        """Take back what was known, or could not be looked for."""
        ...
