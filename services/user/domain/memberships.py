"""Who belongs to an organization, and as what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from typing import Self

from services.chassis.errors import AlreadyExists, FailedPrecondition, NotFound, PermissionDenied
from services.user.domain.attributes import Attributes, MembershipAttributesUpdated
from services.user.domain.organizations import Organization, OrganizationCreated


class Role(IntEnum):
    """What a member may do; the numbers are the contract's."""

    OWNER = 1
    ADMIN = 2
    MEMBER = 3


@dataclass(frozen=True, slots=True)
class Membership:
    """That a user belongs to an organization."""

    organization: str
    user: str
    role: Role
    create_time: datetime
    update_time: datetime
    version: int = 1
    attributes: Attributes = field(default_factory=dict)
    """What the organization knows of this member beyond that; its attribute schema allows it."""
    teams: tuple[str, ...] = ()
    """The teams the user is in, also by nesting; known only where a token is made."""

    @property
    def name(self) -> str:
        """`organizations/{organization}/memberships/{user id}`."""
        return membership_name(self.organization, self.user)

    def change_role(self, role: Role, at: datetime, *, by: Role, owners: int) -> tuple[Self, MembershipUpdated]:
        """Return the membership with another role. Raises OwnerRequired, LastOwner."""
        self._may_be_touched(by, owners if role is not Role.OWNER else owners + 1)
        if role is Role.OWNER:
            only_an_owner(self.organization, by)
        changed = replace(self, role=role, update_time=at, version=self.version + 1)
        return changed, MembershipUpdated(self.name, self.organization, self.user, role, at)

    def change_attributes(self, attributes: Attributes, at: datetime) -> tuple[Self, MembershipAttributesUpdated]:
        """Return the membership with other custom attributes; the schema was asked before."""
        changed = replace(self, attributes=attributes, update_time=at, version=self.version + 1)
        return changed, MembershipAttributesUpdated(self.name, self.organization, at)

    def end(self, at: datetime, *, by: Role, owners: int) -> MembershipDeleted:
        """Return what to announce when the membership ends. Raises OwnerRequired, LastOwner."""
        self._may_be_touched(by, owners)
        return MembershipDeleted(self.name, self.organization, self.user, at)

    def leave(self, at: datetime, *, owners: int) -> MembershipDeleted:
        """Return what to announce when the member leaves. Raises LastOwner."""
        return self.end(at, by=self.role, owners=owners)

    def grow(self, role: Role, at: datetime) -> tuple[Self, MembershipUpdated] | None:
        """Return the membership with a role that was granted beside it, None if it allows no more than the present one."""
        if role >= self.role:
            return None
        return self.change_role(role, at, by=Role.OWNER, owners=1)

    def _may_be_touched(self, by: Role, owners: int) -> None:
        if self.role is not Role.OWNER:
            return
        only_an_owner(self.organization, by)
        if owners <= 1:
            raise LastOwner(self.name)


def membership_name(organization: str, user: str) -> str:
    """Return the name of a user's membership; its last id is the user's."""
    return f"{organization}/memberships/{user.removeprefix('users/')}"


def only_an_owner(organization: str, by: Role) -> None:
    """Raises OwnerRequired unless `by` is an owner."""
    if by is not Role.OWNER:
        raise OwnerRequired(organization)


def create_organization(
    name: str, display_name: str, owner: str, at: datetime
) -> tuple[Organization, Membership, OrganizationCreated, MembershipCreated]:
    """Return a new organization with its first owner, and what to announce."""
    organization = Organization(name, display_name, at, at)
    membership, joined = join(organization, owner, Role.OWNER, at, by=Role.OWNER)
    return organization, membership, OrganizationCreated(name, owner, at), joined


def join(
    organization: Organization, user: str, role: Role, at: datetime, *, by: Role, attributes: Attributes | None = None
) -> tuple[Membership, MembershipCreated]:
    """Return a new membership. Raises OrganizationDeleted, OwnerRequired."""
    organization.must_be_active()
    if role is Role.OWNER:
        only_an_owner(organization.name, by)
    membership = Membership(organization.name, user, role, at, at, attributes=attributes or {})
    return membership, MembershipCreated(membership.name, organization.name, user, role, at)


@dataclass(frozen=True, slots=True)
class MembershipCreated:
    """A user became a member."""

    membership: str
    organization: str
    user: str
    role: Role
    create_time: datetime


@dataclass(frozen=True, slots=True)
class MembershipUpdated:
    """A member may do something else from now on."""

    membership: str
    organization: str
    user: str
    role: Role
    update_time: datetime


@dataclass(frozen=True, slots=True)
class MembershipDeleted:
    """A user left an organization or was removed."""

    membership: str
    organization: str
    user: str
    delete_time: datetime


class MembershipNotFound(NotFound):
    """There is no such membership."""

    reason = "MEMBERSHIP_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", membership=name)


class MembershipExists(AlreadyExists):
    """The user is a member already."""

    reason = "MEMBERSHIP_EXISTS"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already.", membership=name)


class LastOwner(FailedPrecondition):
    """The change would leave the organization without an owner."""

    reason = "LAST_OWNER"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is the last owner; make somebody else an owner first.", membership=name)


class OwnerRequired(PermissionDenied):
    """Only an owner may do that to an owner."""

    reason = "OWNER_REQUIRED"

    def __init__(self, organization: str) -> None:
        super().__init__(f"Only an owner may make, change or remove an owner of {organization}.", organization=organization)
