"""Use cases of domains. DNS is asked before any unit of work: its servers are strangers, and slow ones at times."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from services.chassis import etags
from services.chassis.dns import LookupFailed, Resolver
from services.chassis.errors import invalid_field
from services.chassis.hostnames import normalized_hostname, registrable
from services.chassis.lists import ListQuery, Rows
from services.user.domain import (
    Domain,
    DomainDeleted,
    DomainLimitReached,
    DomainLookupFailed,
    DomainNotFound,
    DomainState,
    OrganizationNotFound,
    claim,
)
from services.user.ports import Begin, Domains, NewId, Now, UserTransaction

CHECKED_AT_ONCE, CHECKS_IN_A_ROW = 5, 200


@dataclass(frozen=True, slots=True)
class CreateDomain:
    """Who claims what."""

    organization: str
    hostname: str
    capture: bool


@dataclass(frozen=True, slots=True)
class UpdateDomain:
    """The new values of the fields that change."""

    name: str
    values: dict[str, bool]
    etag: str


@dataclass(frozen=True, slots=True)
class DomainTerms:
    """How many domains an organization may have, and how they are kept."""

    limit: int
    recheck: timedelta
    """How long a record that was looked for is left alone."""
    patience: timedelta
    """How long a record may be gone before the domain is lost."""


@dataclass(frozen=True, slots=True)
class DomainHandlers:
    """What callers can do with domains."""

    domains: Domains
    resolver: Resolver
    begin: Begin
    now: Now
    new_id: NewId
    terms: DomainTerms

    async def create_domain(self, new: CreateDomain) -> Domain:
        """Claim a domain.

        Raises InvalidArgument, OrganizationNotFound, OrganizationDeleted, DomainNotClaimable, DomainExists,
        DomainLimitReached.
        """
        hostname, now = _hostname(new.hostname), self.now()
        draft = Domain(new.organization, hostname, self.new_id("dom"), now, now, new.capture)
        async with self.begin() as tx:
            organization = await tx.organizations.get(new.organization)
            domain, event = claim(draft, organization, registrable(hostname))
            if await tx.domains.count(organization.name) >= self.terms.limit:
                raise DomainLimitReached(organization.name, self.terms.limit)
            await tx.domains.add(domain)
            tx.outbox.add(event)
            await tx.commit(domain)
        return domain

    async def get_domain(self, name: str) -> Domain:
        """Raises DomainNotFound."""
        return await self.domains.get(name)

    async def list_domains(self, organization: str, query: ListQuery) -> Rows[Domain]:
        """Return a page of the domains of an organization."""
        return await self.domains.list(organization, query)

    async def update_domain(self, change: UpdateDomain) -> Domain:
        """Change a domain. Raises DomainNotFound, OrganizationNotFound, OrganizationDeleted, EtagMismatch."""
        async with self.begin() as tx:
            domain = await _locked(tx, change.name)
            etags.check(change.etag, domain.version, domain.name)
            updated, event = domain.change(change.values, at=self.now())
            await tx.domains.save(updated)
            tx.outbox.add(event)
            await tx.commit(updated)
        return updated

    async def delete_domain(self, name: str, etag: str) -> Domain:
        """Give a domain up. Raises DomainNotFound, OrganizationNotFound, OrganizationDeleted, EtagMismatch."""
        async with self.begin() as tx:
            domain = await _locked(tx, name)
            etags.check(etag, domain.version, name)
            await tx.domains.remove(name)
            tx.outbox.add(DomainDeleted(name, domain.organization, self.now()))
            await tx.commit(domain)
        return domain

    async def verify_domain(self, name: str) -> Domain:
        """Prove a domain by its record; it is no other organization's any more.

        Raises DomainNotFound, DomainNotVerified, DomainLookupFailed, OrganizationNotFound, OrganizationDeleted.
        """
        claimed = await self.domains.get(name)
        try:
            texts = await self.resolver.texts(claimed.record_name)
        except LookupFailed:
            raise DomainLookupFailed(claimed.record_name) from None
        async with self.begin() as tx:
            (await tx.organizations.get(claimed.organization)).must_be_active()
            claims = await tx.domains.lock_claims(claimed.hostname)
            domain = next((each for each in claims if each.name == name), None)
            if domain is None:
                raise DomainNotFound(name)
            verified, event = domain.verify(texts, at=self.now())
            if event is not None:
                await self._take_from_others(tx, [each for each in claims if each.name != name])
                tx.outbox.add(event)
            await tx.domains.save(verified)
            await tx.commit(verified)
        return verified

    async def check_domains(self) -> None:
        """Look for the records of verified domains again; a domain whose record is gone for long is lost."""
        for _ in range(CHECKS_IN_A_ROW):
            due = await self.domains.find_due(self.now() - self.terms.recheck, CHECKED_AT_ONCE)
            if not due:
                return
            await asyncio.gather(*(self._check(domain) for domain in due))

    async def _check(self, due: Domain) -> None:
        try:
            texts = await self.resolver.texts(due.record_name)
        except LookupFailed:
            texts = None
        async with self.begin() as tx:
            try:
                await tx.organizations.get(due.organization)
                domain = await tx.domains.get(due.name)
            except (OrganizationNotFound, DomainNotFound):
                return
            if domain.state is DomainState.VERIFIED:
                checked, event = domain.check(texts, self.now(), self.terms.patience)
                await tx.domains.save(checked)
                if event is not None:
                    tx.outbox.add(event)
            await tx.commit()

    async def _take_from_others(self, tx: UserTransaction, others: list[Domain]) -> None:
        for other in others:
            if other.state is DomainState.VERIFIED:
                lost, event = other.lose(self.now())
                await tx.domains.save(lost)
                tx.outbox.add(event)


def _hostname(text: str) -> str:
    hostname = normalized_hostname(text)
    if hostname is None:
        raise invalid_field("domain_id", "must be a domain such as example.com.", "hostname")
    return hostname


async def _locked(tx: UserTransaction, name: str) -> Domain:
    """Lock the organization and return the domain."""
    organization = await tx.organizations.get(name.partition("/domains/")[0])
    organization.must_be_active()
    return await tx.domains.get(name)
