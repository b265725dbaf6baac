"""Where organizations are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.chassis.lists import ListQuery, Rows
from services.user.domain import Organization


class Organizations(Protocol):
    """Reads organizations, one statement each."""

    async def get(self, name: str) -> Organization:
        """Raises OrganizationNotFound."""
        ...

    async def list(self, member: str, query: ListQuery, *, show_deleted: bool) -> Rows[Organization]:
        """Return a page of the organizations that `member` belongs to."""
        ...


class ChangedOrganizations(Protocol):
    """Organizations inside a transaction. The lock of an organization guards its memberships too."""

    async def get(self, name: str) -> Organization:
        """Lock and return the organization. Raises OrganizationNotFound."""
        ...

    async def save(self, organization: Organization) -> None:
        """Write the organization's current values."""
        ...

    async def add(self, organization: Organization) -> None:
        """Write a new organization."""
        ...

    async def lock_owned_by(self, user: str) -> None:
        """Lock every organization the user owns, in one order."""
        ...

    async def lock_due(self, at: datetime) -> Organization | None:
        """Lock and return one that is to be purged and that nobody else holds: the one due longest."""
        ...

    async def empty(self, name: str, limit: int) -> int:
        """Delete at most `limit` of what is in an organization and return how many; fewer than `limit` means all of it."""
        ...

    async def remove(self, name: str) -> None:
        """Delete the organization."""
        ...
