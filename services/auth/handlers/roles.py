"""Use cases of roles. Nobody gives, changes or takes away a permission that they do not have themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.auth.domain import Catalogue, Permission, Role, create_role
from services.auth.handlers.grants import FOREVER, Grants
from services.auth.ports import Begin, NewId, Now, Roles
from services.chassis import etags, short_lists
from services.chassis.lists import ListQuery, Rows
from services.chassis.principal import Principal


@dataclass(frozen=True, slots=True)
class CreateRole:
    """What the role is to be."""

    organization: str
    display_name: str
    description: str
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class UpdateRole:
    """The new values of a role."""

    name: str
    changes: Mapping[str, Any]
    etag: str


@dataclass(frozen=True, slots=True)
class RoleHandlers:
    """What callers can do with roles."""

    roles: Roles
    catalogue: Catalogue
    grants: Grants
    begin: Begin
    now: Now
    new_id: NewId

    async def list_permissions(self, query: ListQuery) -> Rows[Permission]:
        """Return a page of the permissions there are."""
        return short_lists.page(
            self.catalogue.permissions,
            query,
            key="name",
            fields=("name", "description"),
            sortable=("name",),
        )

    async def get_role(self, name: str) -> Role:
        """Raises RoleNotFound."""
        return self.catalogue.roles.get(name) or await self.roles.get(name)

    async def list_roles(self, organization: str, query: ListQuery) -> Rows[Role]:
        """Return a page of what can be bound in an organization."""
        found = [*self.catalogue.roles.values(), *await self.roles.of(organization)]
        return short_lists.page(
            found,
            query,
            key="name",
            fields=("name", "display_name", "predefined"),
            sortable=("name", "display_name"),
        )

    async def create_role(self, new: CreateRole, caller: Principal) -> Role:
        """Make a role. Raises PermissionUnknown, PermissionNotHeld, TooManyRoles, MembershipUnavailable."""
        self.catalogue.must_have(new.permissions)
        self.catalogue.must_hold(await self.grants.held(new.organization, caller), new.permissions)
        now = self.now()
        name = f"{new.organization}/roles/{self.new_id('rol')}"
        role = Role(name, new.display_name, new.description, new.permissions, now, now, version=1)
        async with self.begin() as tx:
            event = create_role(role, existing=await tx.roles.count(new.organization))
            await tx.roles.add(role)
            tx.outbox.add(event)
            await tx.commit(role)
        return role

    async def update_role(self, change: UpdateRole, caller: Principal) -> Role:
        """Change a role for everybody who has it.

        Raises RoleNotFound, PermissionUnknown, PermissionNotHeld, RoleForUsersOnly, EtagMismatch, MembershipUnavailable.
        """
        self.catalogue.must_have(change.changes.get("permissions", ()))
        known = await self.roles.get(change.name)  # before user is asked: a predefined role is of no organization
        held = await self.grants.held(known.organization, caller, until=FOREVER)
        async with self.begin() as tx:
            role = await tx.roles.lock(change.name)
            etags.check(change.etag, role.version, role.name)
            updated, event = role.update(change.changes, at=self.now())
            self.catalogue.must_hold(held, role.permissions, updated.permissions)
            self.catalogue.must_suit(updated, await tx.role_bindings.subjects_of(role.name, at=self.now()))
            await tx.roles.save(updated)
            tx.outbox.add(event)
            await tx.commit(updated)
        self.grants.forget(role.organization)
        return updated

    async def delete_role(self, name: str, etag: str, caller: Principal) -> Role:
        """Delete a role and return what it was.

        Raises RoleNotFound, PermissionNotHeld, RoleInUse, EtagMismatch, MembershipUnavailable.
        """
        held = await self.grants.held(_organization(name), caller)
        async with self.begin() as tx:
            role = await tx.roles.lock(name)
            etags.check(etag, role.version, name)
            self.catalogue.must_hold(held, role.permissions)
            event = role.end(at=self.now(), bound=bool(await tx.role_bindings.subjects_of(name, at=self.now())))
            await tx.role_bindings.remove_expired(name, at=self.now())
            await tx.roles.remove(name)
            tx.outbox.add(event)
            await tx.commit(role)
        return role


def _organization(name: str) -> str:
    return name.partition("/roles/")[0]
