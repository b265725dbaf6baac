"""Use cases of memberships. Each change holds the organization's lock: two of them never both remove the last owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.chassis import etags
from services.chassis.addresses import domain_of
from services.chassis.errors import PermissionDenied
from services.chassis.lists import ListQuery, Rows
from services.chassis.principal import Principal
from services.user.domain import (
    Attributes,
    Membership,
    MembershipNotFound,
    OwnerRequired,
    Role,
    User,
    UserNotFound,
    UserState,
    join,
    membership_name,
)
from services.user.handlers.newcomers import imported_attributes, take_over
from services.user.ports import Begin, Memberships, Now, UserTransaction

RolePermissions = Mapping[Role, frozenset[str]]
"""What each role permits."""


@dataclass(frozen=True, slots=True)
class CreateMembership:
    """Who joins what, as what."""

    organization: str
    user: str
    role: Role
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpdateMembership:
    """The new role of a member, or what the organization knows of them from now on. None: as it was."""

    name: str
    role: Role | None
    etag: str
    attributes: Attributes | None = None


@dataclass(frozen=True, slots=True)
class MembershipHandlers:
    """What callers can do with memberships."""

    memberships: Memberships
    begin: Begin
    now: Now
    permissions: RolePermissions

    async def create_membership(self, new: CreateMembership, caller: Principal) -> Membership:
        """Make a user a member, who takes over what the organization imported under the same address.

        Strangers decide for themselves, by an invitation: to an organization that did not meet them they do not exist.

        Raises OrganizationNotFound, OrganizationDeleted, OwnerRequired, UserNotFound, MembershipExists, AttributesInvalid,
        PermissionDenied.
        """
        may_give(new.role, caller, self.permissions)
        async with self.begin() as tx:
            organization = await tx.organizations.get(new.organization)
            by = await role_of(tx, new.organization, caller)
            if new.attributes:
                (await tx.attribute_schemas.get(new.organization)).check(new.attributes)
            user = await tx.users.get(new.user)  # kept as it is: nobody who is being erased becomes a member
            attributes = new.attributes or await imported_attributes(tx, new.organization, user)
            membership, event = join(organization, user.name, new.role, at=self.now(), by=by, attributes=attributes)
            if not await _knows(tx, new.organization, user, caller):
                raise UserNotFound(user.name)
            await tx.memberships.add(membership)
            if user.state is not UserState.ACTIVE:
                raise UserNotFound(user.name)
            tx.outbox.add(event)
            await take_over(tx, new.organization, user, self.now)
            await tx.commit(membership)
        return membership

    async def get_membership(self, name: str) -> Membership:
        """Raises MembershipNotFound."""
        return await self.memberships.get(name)

    async def list_memberships(self, organization: str, query: ListQuery) -> Rows[Membership]:
        """Return a page of the memberships of an organization."""
        return await self.memberships.list(organization, query)

    async def update_membership(self, change: UpdateMembership, caller: Principal) -> Membership:
        """Change a member's role or attributes.

        Raises MembershipNotFound, OrganizationNotFound, OrganizationDeleted, OwnerRequired, LastOwner, AttributesInvalid,
        EtagMismatch, PermissionDenied.
        """
        if change.role is not None:
            may_give(change.role, caller, self.permissions)
        async with self.begin() as tx:
            membership, by, owners = await _locked(tx, change.name, caller)
            etags.check(change.etag, membership.version, change.name)
            if change.role is not None:
                membership, event = membership.change_role(change.role, at=self.now(), by=by, owners=owners)
                tx.outbox.add(event)
            if change.attributes is not None:
                (await tx.attribute_schemas.get(membership.organization)).check(change.attributes)
                membership, known = membership.change_attributes(change.attributes, at=self.now())
                tx.outbox.add(known)
            await tx.memberships.save(membership)
            await tx.commit(membership)
        return membership

    async def delete_membership(self, name: str, etag: str, caller: Principal) -> Membership:
        """End a membership and return what it was.

        Raises MembershipNotFound, OrganizationNotFound, OrganizationDeleted, OwnerRequired, LastOwner, EtagMismatch.
        """
        async with self.begin() as tx:
            membership, by, owners = await _locked(tx, name, caller)
            etags.check(etag, membership.version, name)
            event = membership.end(at=self.now(), by=by, owners=owners)
            await tx.memberships.remove(name)
            await tx.imports.forget(membership.user)
            tx.outbox.add(event)
            await tx.commit(membership)
        return membership

    async def leave_organization(self, organization: str, caller: Principal) -> Membership:
        """End the caller's own membership and return what it was.

        Raises MembershipNotFound, OrganizationNotFound, OrganizationDeleted, LastOwner.
        """
        async with self.begin() as tx:
            (await tx.organizations.get(organization)).must_be_active()
            membership = await tx.memberships.get(membership_name(organization, caller.subject))
            others = await tx.memberships.count_other_owners(organization, caller.subject)
            event = membership.leave(self.now(), owners=others + (membership.role is Role.OWNER))
            await tx.memberships.remove(membership.name)
            tx.outbox.add(event)
            await tx.commit(membership)
        return membership

    async def resolve_membership(self, organization: str, user: str) -> Membership:
        """Return the membership that a token would be given for now. Raises MembershipNotFound."""
        return await self.memberships.resolve(organization, user)


async def _locked(tx: UserTransaction, name: str, caller: Principal) -> tuple[Membership, Role, int]:
    """Lock the organization and return the membership, the caller's role of now and the number of owners,

    where one whose account is not active counts only if it is the membership's own.
    """
    organization = await tx.organizations.get(name.partition("/memberships/")[0])
    organization.must_be_active()
    by = await role_of(tx, organization.name, caller)
    membership = await tx.memberships.get(name)
    others = await tx.memberships.count_other_owners(organization.name, membership.user)
    return membership, by, others + (membership.role is Role.OWNER)


async def role_of(tx: UserTransaction, organization: str, caller: Principal) -> Role:
    """Return the caller's role of now: a token may be minutes older than the membership. Raises OwnerRequired.

    A service account has no membership. What it may do stands in its token, and it is never an owner.
    """
    if not caller.subject.startswith("users/"):
        return Role.ADMIN
    try:
        role = await tx.memberships.role_of(organization, caller.subject)
    except MembershipNotFound:
        raise OwnerRequired(organization) from None
    if role is Role.MEMBER:
        raise OwnerRequired(organization)
    return role


async def _knows(tx: UserTransaction, organization: str, user: User, caller: Principal) -> bool:
    """Whether the organization may take somebody in without asking: by its domain, or as the caller met them elsewhere."""
    if user.email and await tx.domains.is_verified(organization, domain_of(user.email)):
        return True
    return await tx.memberships.have_met(organization, user.name, caller.subject)


def may_give(role: Role, caller: Principal, permissions: RolePermissions) -> None:
    """Let an API key make nobody an owner or administrator who could do more than the key: its scopes would limit nothing.

    To take in ordinary members it needs the permission of the call alone. Raises PermissionDenied.
    """
    if caller.api_key and role is not Role.MEMBER:
        for permission in sorted(permissions[role] - caller.permissions):
            raise PermissionDenied(
                f"An API key gives no role that permits more than its scopes: it lacks {permission}.", permission=permission
            )
