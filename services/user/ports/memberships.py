"""Where memberships are kept."""

from __future__ import annotations

from typing import Protocol

from services.chassis.lists import ListQuery, Rows
from services.user.domain import Membership, Role


class Memberships(Protocol):
    """Reads memberships, one statement each."""

    async def get(self, name: str) -> Membership:
        """Raises MembershipNotFound."""
        ...

    async def resolve(self, organization: str, user: str) -> Membership:
        """Return what a token may be given for. Raises MembershipNotFound.

        Also for non-owners of a deleted organization, and for accounts that are not active.
        """
        ...

    async def list(self, organization: str, query: ListQuery) -> Rows[Membership]:
        """Return a page of the memberships of `organization`."""
        ...


class ChangedMemberships(Protocol):
    """Memberships inside a transaction that holds their organization's lock."""

    async def get(self, name: str) -> Membership:
        """Raises MembershipNotFound."""
        ...

    async def role_of(self, organization: str, user: str) -> Role:
        """Return the role of now, whatever a token says. Raises MembershipNotFound."""
        ...

    async def find_by_email(self, organization: str, email: str) -> Membership | None:
        """Return the membership of whoever has an account with an address."""
        ...

    async def have_met(self, organization: str, user: str, caller: str) -> bool:
        """Whether a user is a member of the organization, or of any other together with the caller."""
        ...

    async def count_other_owners(self, organization: str, user: str) -> int:
        """Return how many owners beside `user` the organization has whose accounts are active, and keep them so."""
        ...

    async def last_owned_by(self, user: str) -> list[str]:
        """Return the organizations in use, at most 20, that no other active account owns."""
        ...

    async def add(self, membership: Membership) -> None:
        """Write a new membership. Raises MembershipExists, UserNotFound."""
        ...

    async def save(self, membership: Membership) -> None:
        """Write the membership's current values."""
        ...

    async def remove(self, name: str) -> None:
        """Delete the membership."""
        ...

    async def of_user(self, user: str) -> list[Membership]:
        """Return every membership of a user."""
        ...
