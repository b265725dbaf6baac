"""Use cases of role bindings. Nobody gives or takes away a permission that they do not have themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.auth.domain import (
    Catalogue,
    NotAMember,
    Role,
    RoleBinding,
    RoleNotFound,
    ServiceAccountNotFound,
    SubjectNotFound,
    below,
    create_role_binding,
    delete_role_binding,
    is_service_account,
)
from services.auth.handlers.grants import FOREVER, Grants
from services.auth.ports import AuthTransaction, Begin, Memberships, NewId, Now, RoleBindings
from services.chassis.lists import ListQuery, Rows
from services.chassis.principal import Principal


@dataclass(frozen=True, slots=True)
class CreateRoleBinding:
    """Who is to have which role on what, and until when."""

    organization: str
    role: str
    subject: str
    resource: str
    expire_time: datetime | None


@dataclass(frozen=True, slots=True)
class RoleBindingHandlers:
    """What callers can do with role bindings."""

    role_bindings: RoleBindings
    memberships: Memberships
    catalogue: Catalogue
    grants: Grants
    begin: Begin
    now: Now
    new_id: NewId

    async def create_role_binding(self, new: CreateRoleBinding, caller: Principal) -> RoleBinding:
        """Give a role to somebody.

        Raises InvalidArgument, RoleNotFound, SubjectNotFound, RoleBindingExists, PermissionNotHeld, RoleForUsersOnly,
        TooManyRoleBindings, MembershipUnavailable.
        """
        await self._belongs(new)
        held = await self.grants.held(new.organization, caller, until=new.expire_time or FOREVER)
        name = f"{new.organization}/roleBindings/{self.new_id('rbd')}"
        resource = new.resource or new.organization
        binding = RoleBinding(name, new.role, new.subject, resource, new.expire_time, caller.subject, self.now())
        async with self.begin() as tx:
            await _exists(tx, new.subject)
            role = await self._kept(tx, new.role, new.organization)
            self.catalogue.must_hold(held, role.permissions)
            self.catalogue.must_suit(role, [new.subject])
            existing = await tx.role_bindings.count(new.organization, new.subject)
            events = create_role_binding(binding, existing=existing)
            await tx.role_bindings.add(binding)
            for event in events:
                tx.outbox.add(event)
            await tx.commit(binding)
        self.grants.forget(new.organization)
        return binding

    async def get_role_binding(self, name: str) -> RoleBinding:
        """Raises RoleBindingNotFound."""
        return await self.role_bindings.get(name)

    async def list_role_bindings(self, organization: str, query: ListQuery) -> Rows[RoleBinding]:
        """Return a page of the role bindings of an organization."""
        return await self.role_bindings.list(organization, query)

    async def delete_role_binding(self, name: str, caller: Principal) -> RoleBinding:
        """Take a role away and return what the binding was.

        Raises RoleBindingNotFound, PermissionNotHeld, MembershipUnavailable.
        """
        organization = name.partition("/roleBindings/")[0]
        held = await self.grants.held(organization, caller)
        async with self.begin() as tx:
            binding = await tx.role_bindings.lock(name)
            role = await self._kept(tx, binding.role, organization)
            self.catalogue.must_hold(held, role.permissions)
            await _remove(tx, binding, self.now())
            await tx.commit(binding)
        self.grants.forget(organization)
        return binding

    async def release(self, organization: str, subject: str) -> None:
        """Take away everything somebody had who does not belong any more: coming back gives nothing back."""
        async with self.begin() as tx:
            for binding in await tx.role_bindings.of_subject(organization, subject):
                await _remove(tx, binding, self.now())
            await tx.commit()
        self.grants.forget(organization)

    async def _belongs(self, new: CreateRoleBinding) -> None:
        """Raises SubjectNotFound for a user who is no member, whether or not it exists; MembershipUnavailable."""
        if new.subject.startswith("users/"):
            try:
                await self.memberships.resolve(new.organization, new.subject)
            except NotAMember:
                raise SubjectNotFound(new.subject) from None

    async def _kept(self, tx: AuthTransaction, role: str, organization: str) -> Role:
        """Return a role that does not change while it is bound. Raises RoleNotFound."""
        if role in self.catalogue.roles:
            return self.catalogue.roles[role]
        if not below(role, organization):
            raise RoleNotFound(role)
        return await tx.roles.keep(role)


async def _exists(tx: AuthTransaction, subject: str) -> None:
    """Hold a service account, so that it is not deleted while it gets a role. Raises SubjectNotFound."""
    if is_service_account(subject):
        try:
            await tx.service_accounts.lock(subject)
        except ServiceAccountNotFound:
            raise SubjectNotFound(subject) from None


async def _remove(tx: AuthTransaction, binding: RoleBinding, at: datetime) -> None:
    await tx.role_bindings.remove(binding.name)
    for event in delete_role_binding(binding, at):
        tx.outbox.add(event)
