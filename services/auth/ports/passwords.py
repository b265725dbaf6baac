"""How passwords are hashed."""

from __future__ import annotations

from typing import Protocol


class Passwords(Protocol):
    """Hashes passwords, slowly on purpose, a few at a time. Raises ResourceExhausted when too many wait."""

    async def hash(self, password: str) -> str:
        """Return an encoded hash."""
        ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Compare; without a hash it takes the same time and is False."""
        ...

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        ...
