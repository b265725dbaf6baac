"""Use cases of service accounts. Nobody gives or takes away a role with a permission that they do not have themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.auth.domain import Catalogue, ServiceAccount, ServiceAccountCreated, State
from services.auth.handlers.grants import FOREVER, Grants
from services.auth.ports import Begin, NewId, Now, ServiceAccounts
from services.chassis import etags
from services.chassis.lists import ListQuery, Rows
from services.chassis.principal import Principal


@dataclass(frozen=True, slots=True)
class CreateServiceAccount:
    """What a new account is to be."""

    organization: str
    display_name: str
    description: str
    role: str


@dataclass(frozen=True, slots=True)
class UpdateServiceAccount:
    """The new values of the fields that change."""

    name: str
    values: Mapping[str, Any]
    etag: str


@dataclass(frozen=True, slots=True)
class ServiceAccountHandlers:
    """What callers can do with service accounts."""

    service_accounts: ServiceAccounts
    catalogue: Catalogue
    grants: Grants
    begin: Begin
    now: Now
    new_id: NewId

    async def create_service_account(self, new: CreateServiceAccount, caller: Principal) -> ServiceAccount:
        """Make an account. Raises PermissionNotHeld, MembershipUnavailable."""
        self._must_hold(await self.grants.held(new.organization, caller, until=FOREVER), new.role)
        now = self.now()
        name = f"{new.organization}/serviceAccounts/{self.new_id('sva')}"
        account = ServiceAccount(name, new.organization, new.display_name, new.description, new.role, now, now)
        async with self.begin() as tx:
            await tx.service_accounts.add(account)
            tx.outbox.add(ServiceAccountCreated(name, new.organization, new.role, now))
            await tx.commit(account)
        return account

    async def get_service_account(self, name: str) -> ServiceAccount:
        """Raises ServiceAccountNotFound."""
        return await self.service_accounts.get(name)

    async def list_service_accounts(self, organization: str, query: ListQuery) -> Rows[ServiceAccount]:
        """Return a page of an organization's accounts."""
        return await self.service_accounts.list(organization, query)

    async def update_service_account(self, change: UpdateServiceAccount, caller: Principal) -> ServiceAccount:
        """Change an account. Raises ServiceAccountNotFound, PermissionNotHeld, EtagMismatch, MembershipUnavailable."""
        role = change.values.get("role")
        organization = _organization(change.name)
        held = await self.grants.held(organization, caller, until=FOREVER) if role else frozenset[str]()
        async with self.begin() as tx:
            account = await tx.service_accounts.lock(change.name)
            etags.check(change.etag, account.version, account.name)
            if role and role != account.role:
                self._must_hold(held, account.role, role)
            account, event = account.change(change.values, self.now())
            await tx.service_accounts.save(account)
            tx.outbox.add(event)
            await tx.commit(account)
        return account

    async def disable_service_account(self, name: str) -> ServiceAccount:
        """Shut an account out; doing it again changes nothing. Raises ServiceAccountNotFound."""
        async with self.begin() as tx:
            account = await tx.service_accounts.lock(name)
            if account.state is not State.DISABLED:
                account, event = account.disable(self.now())
                await tx.service_accounts.save(account)
                tx.outbox.add(event)
            await tx.commit(account)
        return account

    async def enable_service_account(self, name: str, caller: Principal) -> ServiceAccount:
        """Let an account in again; doing it again changes nothing.

        Raises ServiceAccountNotFound, PermissionNotHeld, MembershipUnavailable.
        """
        held = await self.grants.held(_organization(name), caller, until=FOREVER)
        async with self.begin() as tx:
            account = await tx.service_accounts.lock(name)
            if account.state is not State.ACTIVE:
                self._must_hold(held, account.role)
                account, event = account.enable(self.now())
                await tx.service_accounts.save(account)
                tx.outbox.add(event)
            await tx.commit(account)
        return account

    async def delete_service_account(self, name: str, etag: str) -> ServiceAccount:
        """Delete an account with its keys and return what it was. Raises ServiceAccountNotFound, EtagMismatch."""
        async with self.begin() as tx:
            account = await tx.service_accounts.lock(name)
            etags.check(etag, account.version, name)
            await tx.service_accounts.remove(name)
            tx.outbox.add(account.end(self.now()))
            await tx.commit(account)
        return account

    def _must_hold(self, held: frozenset[str], *roles: str) -> None:
        """Raises PermissionNotHeld."""
        self.catalogue.must_hold(held, *(self.catalogue.roles[role].permissions for role in roles))


def _organization(name: str) -> str:
    return name.partition("/serviceAccounts/")[0]
