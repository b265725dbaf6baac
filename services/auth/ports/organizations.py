"""What auth knows of organizations: which ones are deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class ChangedOrganizations(Protocol):
    """Deleted organizations inside a transaction."""

    async def close(self, organization: str, at: datetime) -> None:
        """Shut the organization's API keys out."""
        ...

    async def reopen(self, organization: str) -> None:
        """Let the organization's API keys in again."""
        ...
