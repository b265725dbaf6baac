"""Use cases of organizations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.chassis import etags
from services.chassis.lists import ListQuery, Rows
from services.user.domain import Organization, User, UserNotFound, create_organization
from services.user.handlers.newcomers import take_in
from services.user.ports import Accounts, Begin, NewId, Now, Organizations


@dataclass(frozen=True, slots=True)
class UpdateOrganization:
    """The new values of the fields that change."""

    name: str
    values: dict[str, str]
    etag: str


@dataclass(frozen=True, slots=True)
class OrganizationHandlers:
    """What callers can do with organizations."""

    organizations: Organizations
    accounts: Accounts
    begin: Begin
    now: Now
    new_id: NewId
    retention: timedelta

    async def create_organization(self, display_name: str, owner: str) -> Organization:
        """Create an organization with its first owner, who may be here before auth's event about them.

        Raises UserNotActive.
        """
        try:
            return await self._create(display_name, owner)
        except UserNotFound:
            return await self._create(display_name, owner, newcomer=await self.accounts.get(owner))

    async def _create(self, display_name: str, owner: str, newcomer: User | None = None) -> Organization:
        name = f"organizations/{self.new_id('org')}"
        organization, membership, *events = create_organization(name, display_name, owner, at=self.now())
        async with self.begin() as tx:
            if newcomer is not None:
                await take_in(tx, newcomer, self.now)
            (await tx.users.get(owner)).must_be_active()
            await tx.organizations.add(organization)
            await tx.memberships.add(membership)
            for event in events:
                tx.outbox.add(event)
            await tx.commit(organization)
        return organization

    async def get_organization(self, name: str) -> Organization:
        """Return an organization, also a deleted one. Raises OrganizationNotFound."""
        return await self.organizations.get(name)

    async def list_organizations(self, member: str, query: ListQuery, *, show_deleted: bool) -> Rows[Organization]:
        """Return a page of the organizations that `member` belongs to."""
        return await self.organizations.list(member, query, show_deleted=show_deleted)

    async def update_organization(self, change: UpdateOrganization) -> Organization:
        """Change an organization. Raises OrganizationNotFound, OrganizationDeleted, EtagMismatch."""
        async with self.begin() as tx:
            organization = await tx.organizations.get(change.name)
            etags.check(change.etag, organization.version, organization.name)
            updated, event = organization.change(change.values, at=self.now())
            await tx.organizations.save(updated)
            tx.outbox.add(event)
            await tx.commit(updated)
        return updated

    async def delete_organization(self, name: str, etag: str) -> Organization:
        """Delete an organization until it is purged. Raises OrganizationNotFound, OrganizationDeleted, EtagMismatch."""
        async with self.begin() as tx:
            organization = await tx.organizations.get(name)
            etags.check(etag, organization.version, name)
            deleted, event = organization.delete(at=self.now(), retention=self.retention)
            await tx.organizations.save(deleted)
            tx.outbox.add(event)
            await tx.commit(deleted)
        return deleted

    async def undelete_organization(self, name: str) -> Organization:
        """Bring a deleted organization back. Raises OrganizationNotFound, OrganizationNotDeleted."""
        async with self.begin() as tx:
            organization = await tx.organizations.get(name)
            restored, event = organization.undelete(at=self.now())
            await tx.organizations.save(restored)
            tx.outbox.add(event)
            await tx.commit(restored)
        return restored
