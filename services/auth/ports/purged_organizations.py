"""Which organizations are gone for good and leave something behind here."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class ChangedPurgedOrganizations(Protocol):
    """Purged organizations inside a transaction."""

    async def add(self, organization: str, at: datetime) -> None:
        """Write that it is gone; once is enough."""
        ...

    async def lock_next(self) -> str | None:
        """Lock and return one whom nobody else holds, the oldest first."""
        ...

    async def remove(self, organization: str) -> None:
        """Delete it: nothing of it is left."""
        ...
