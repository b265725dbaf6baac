"""Where users are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.chassis.lists import ListQuery, Rows
from services.user.domain import User


class Users(Protocol):
    """Reads users, one statement each."""

    async def get(self, name: str) -> User:
        """Raises UserNotFound."""
        ...

    async def find_visible(self, names: Sequence[str], caller: str, organization: str) -> list[User]:
        """Return those of `names` that are the caller or members of `organization`, in no order."""
        ...

    async def list(self, organization: str, query: ListQuery, *, show_deleted: bool) -> Rows[User]:
        """Return a page of the members of `organization`; deleted ones only if asked for."""
        ...


class ChangedUsers(Protocol):
    """Users inside a transaction."""

    async def get(self, name: str) -> User:
        """Lock and return the user. Raises UserNotFound."""
        ...

    async def save(self, user: User) -> None:
        """Write the user's current values."""
        ...

    async def add(self, user: User) -> bool:
        """Write a new user, and say whether it is new; one that is there stays as it is."""
        ...

    async def lock_due(self, at: datetime) -> User | None:
        """Lock and return one deleted user past the purge time whom nobody else holds."""
        ...
