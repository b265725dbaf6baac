"""What auth knows of a person."""

from __future__ import annotations

from typing import Protocol

from services.user.domain import User


class Accounts(Protocol):
    """What auth knows of a person."""

    async def get(self, user: str) -> User:
        """Return the user as auth would announce it. Raises UserNotFound."""
        ...
