"""What the handlers need from the outside world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from services.chassis.lists import ListQuery, Rows
from services.chassis.transaction import Transaction
from services.user.domain import Membership, Organization, Role, User


class Users(Protocol):
    """Reads users, one statement each."""

    async def get(self, name: str) -> User:
        """Raises UserNotFound."""
        ...

    async def find_visible(self, names: Sequence[str], caller: str, organization: str) -> list[User]:
        """Return those of `names` that are the caller or members of `organization`, in no order."""
        ...

    async def list(self, organization: str, query: ListQuery) -> Rows[User]:
        """Return a page of the members of `organization`."""
        ...


class Organizations(Protocol):
    """Reads organizations, one statement each."""

    async def get(self, name: str) -> Organization:
        """Raises OrganizationNotFound."""
        ...

    async def list(self, member: str, query: ListQuery, *, show_deleted: bool) -> Rows[Organization]:
        """Return a page of the organizations that `member` belongs to."""
        ...


class Memberships(Protocol):
    """Reads memberships, one statement each."""

    async def get(self, name: str) -> Membership:
        """Raises MembershipNotFound."""
        ...

    async def resolve(self, organization: str, user: str) -> Membership:
        """Return what a token may be given for. Raises MembershipNotFound, also for non-owners of a deleted organization."""
        ...

    async def list(self, organization: str, query: ListQuery) -> Rows[Membership]:
        """Return a page of the memberships of `organization`."""
        ...


class ChangedUsers(Protocol):
    """Users inside a transaction."""

    async def get(self, name: str) -> User:
        """Lock and return the user. Raises UserNotFound."""
        ...

    async def save(self, user: User) -> None:
        """Write the user's current values."""
        ...

    async def add(self, user: User) -> None:
        """Write a new user; one that is there stays as it is."""
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


class ChangedMemberships(Protocol):
    """Memberships inside a transaction that holds their organization's lock."""

    async def get(self, name: str) -> Membership:
        """Raises MembershipNotFound."""
        ...

    async def role_of(self, organization: str, user: str) -> Role:
        """Return the role of now, whatever a token says. Raises MembershipNotFound."""
        ...

    async def count_owners(self, organization: str) -> int:
        """Return how many owners the organization has."""
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


class UserTransaction(Transaction, Protocol):
    """One unit of work. Leaving it without commit changes nothing."""

    @property
    def users(self) -> ChangedUsers: ...
    @property
    def organizations(self) -> ChangedOrganizations: ...
    @property
    def memberships(self) -> ChangedMemberships: ...


Begin = Callable[[], UserTransaction]


class Accounts(Protocol):
    """What auth knows of a person."""

    async def get(self, user: str) -> User:
        """Return the user as auth would announce it. Raises UserNotFound."""
        ...


Now = Callable[[], datetime]
NewId = Callable[[str], str]
