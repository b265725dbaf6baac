"""Where preferences are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.user.domain import Preferences


class AllPreferences(Protocol):
    """Reads preferences, one statement each."""

    async def find(self, names: Sequence[str]) -> dict[str, Preferences]:
        """Return the preferences by name; what was never said is there, empty."""
        ...


class ChangedPreferences(Protocol):
    """Preferences inside a transaction."""

    async def get(self, name: str) -> Preferences:
        """Lock and return the preferences. Raises UserNotFound, OrganizationNotFound for those of nobody."""
        ...

    async def save(self, preferences: Preferences) -> None:
        """Write the current values."""
        ...
