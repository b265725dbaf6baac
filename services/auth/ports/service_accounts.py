"""Where service accounts are kept."""

from __future__ import annotations

from typing import Protocol

from services.auth.domain import ServiceAccount
from services.chassis.lists import ListQuery, Rows


class ServiceAccounts(Protocol):
    """Reads service accounts, one statement each."""

    async def get(self, name: str) -> ServiceAccount:
        """Raises ServiceAccountNotFound."""
        ...

    async def list(self, organization: str, query: ListQuery) -> Rows[ServiceAccount]:
        """Return a page of an organization's service accounts."""
        ...


class ChangedServiceAccounts(Protocol):
    """Service accounts inside a transaction."""

    async def add(self, account: ServiceAccount) -> None:
        """Write a new account."""
        ...

    async def lock(self, name: str) -> ServiceAccount:
        """Lock and return an account. Raises ServiceAccountNotFound."""
        ...

    async def save(self, account: ServiceAccount) -> None:
        """Write the account's current values."""
        ...

    async def remove(self, name: str) -> None:
        """Delete the account and its keys."""
        ...

    async def purge(self, organization: str, limit: int) -> int:
        """Delete at most `limit` of an organization that is gone, and return how many there were."""
        ...
