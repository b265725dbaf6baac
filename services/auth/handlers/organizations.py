"""What auth does about other services' organizations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.auth.ports import Begin


@dataclass(frozen=True, slots=True)
class OrganizationHandlers:
    """What follows when an organization is deleted or comes back."""

    begin: Begin

    async def close_organization(self, organization: str, at: datetime) -> None:
        """Shut its API keys out. Hearing of it again changes nothing."""
        async with self.begin() as tx:
            await tx.organizations.close(organization, at)
            await tx.commit()

    async def reopen_organization(self, organization: str) -> None:
        """Let its API keys in again. Hearing of it again changes nothing."""
        async with self.begin() as tx:
            await tx.organizations.reopen(organization)
            await tx.commit()
