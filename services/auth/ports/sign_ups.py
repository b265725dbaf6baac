"""Where sign-ups are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.auth.domain import SignUp


class SignUps(Protocol):
    """Reads sign-ups, one statement each."""

    async def find(self, sign_up: str) -> SignUp | None:
        """Return a sign-up by its id."""
        ...

    async def find_newest(self, email: str, at: datetime) -> SignUp | None:
        """Return the newest unused, unexpired sign-up of an address."""
        ...


class ChangedSignUps(Protocol):
    """Sign-ups inside a transaction."""

    async def add(self, sign_up: SignUp) -> None:
        """Write a new sign-up."""
        ...

    async def lock(self, sign_up: str) -> SignUp | None:
        """Lock the sign-ups of its address and return it."""
        ...

    async def use_up(self, email: str, at: datetime) -> None:
        """Make every link of an address useless."""
        ...

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` sign-ups that expired before then, and return how many."""
        ...
