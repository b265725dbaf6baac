"""Where domains are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.chassis.lists import ListQuery, Rows
from services.user.domain import Domain


class Domains(Protocol):
    """Reads domains, one statement each."""

    async def get(self, name: str) -> Domain:
        """Raises DomainNotFound."""
        ...

    async def find_due(self, before: datetime, limit: int) -> Sequence[Domain]:
        """Return verified domains whose record was not looked for since `before`, the longest waiting first."""
        ...

    async def list(self, organization: str, query: ListQuery) -> Rows[Domain]:
        """Return a page of the domains of `organization`."""
        ...


class ChangedDomains(Protocol):
    """Domains inside a transaction that holds their organization's lock."""

    async def get(self, name: str) -> Domain:
        """Raises DomainNotFound."""
        ...

    async def find_capturing(self, hostname: str) -> Domain | None:
        """Return the domain whose newcomers become members, if it is verified and captures. Takes no lock."""
        ...

    async def is_verified(self, organization: str, hostname: str) -> bool:
        """Whether the organization has proved that a domain is its own."""
        ...

    async def lock_claims(self, hostname: str) -> Sequence[Domain]:
        """Lock and return the claims of all organizations on one domain, so that one of them is verified at a time."""
        ...

    async def count(self, organization: str) -> int:
        """Return how many domains the organization has."""
        ...

    async def add(self, domain: Domain) -> None:
        """Write a new domain. Raises DomainExists."""
        ...

    async def save(self, domain: Domain) -> None:
        """Write the domain's current values."""
        ...

    async def remove(self, name: str) -> None:
        """Delete the domain."""
        ...
