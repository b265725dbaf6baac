"""Where imported people are kept until they have accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.user.domain import Membership, TeamMember, User


class ChangedImports(Protocol):
    """Imported people inside a transaction that holds their organization's lock."""

    async def members(self, organization: str, emails: Sequence[str]) -> dict[str, Membership]:
        """Return the memberships of whoever has one of the addresses; those with an account before provisioned ones."""
        ...

    async def add(self, users: Sequence[User], memberships: Sequence[Membership]) -> None:
        """Write new users and their memberships."""
        ...

    async def save_attributes(self, memberships: Sequence[Membership]) -> None:
        """Write the attributes of the memberships, with their time and version."""
        ...

    async def provisioned(self, email: str) -> list[Membership]:
        """Return the memberships of the provisioned users with an address, in the order of their organizations."""
        ...

    async def move_teams(self, membership: Membership, user: str) -> list[TeamMember]:
        """Take `user` into the teams of a member, and return those that are new to them."""
        ...

    async def forget(self, user: str) -> None:
        """Delete a user who is provisioned and no member any more; of others, nothing."""
        ...
