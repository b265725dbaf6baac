"""Where the roles that organizations made are kept."""

from __future__ import annotations

from typing import Protocol

from services.auth.domain import Role


class Roles(Protocol):
    """Reads roles, one statement each."""

    async def get(self, name: str) -> Role:
        """Raises RoleNotFound."""
        ...

    async def of(self, organization: str) -> list[Role]:
        """Return all roles of an organization; there are few."""
        ...


class ChangedRoles(Protocol):
    """Roles inside a transaction."""

    async def lock(self, name: str) -> Role:
        """Lock a role against every other change and against being bound, and return it. Raises RoleNotFound."""
        ...

    async def keep(self, name: str) -> Role:
        """Return a role that stays as it is until the transaction ends. Raises RoleNotFound."""
        ...

    async def count(self, organization: str) -> int:
        """Return how many an organization has, and let nobody else add one until the transaction ends."""
        ...

    async def add(self, role: Role) -> None:
        """Write a new role."""
        ...

    async def save(self, role: Role) -> None:
        """Write the role's current values."""
        ...

    async def remove(self, name: str) -> None:
        """Delete the role."""
        ...

    async def purge(self, organization: str, limit: int) -> int:
        """Delete at most `limit` of an organization that is gone, and return how many there were."""
        ...
