"""People whom auth knows and user has perhaps not heard of yet: auth's event may arrive after they do."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis import repeat
from services.chassis.addresses import domain_of, normalized_email
from services.user.domain import (
    Attributes,
    Membership,
    MembershipCreated,
    MembershipDeleted,
    MembershipNotFound,
    OrganizationNotFound,
    Role,
    TeamMemberCreated,
    User,
    UserNotFound,
    UserState,
    join,
    membership_name,
)
from services.user.ports import Accounts, Begin, Now, Users, UserTransaction


async def take_in(tx: UserTransaction, user: User, now: Now) -> None:
    """Write somebody new, a member at once where they were imported or their domain captures.

    Hearing of them again changes nothing.
    """
    if await tx.users.add(user):
        await _lock(tx, user)
        joined = [await _take_over(tx, each, user, now) for each in await _provisioned(tx, user)]
        await _capture(tx, user, now, joined)


async def take_over(tx: UserTransaction, organization: str, user: User, now: Now) -> None:
    """Make what the organization, whose lock is held, imported under the user's address the user's own."""
    for each in await _provisioned(tx, user):
        if each.organization == organization:
            await _take_over(tx, each, user, now)


async def imported_attributes(tx: UserTransaction, organization: str, user: User) -> Attributes:
    """Return what the organization, whose lock is held, knows of the user from an import; nothing of a member."""
    if not user.email or user.state is UserState.PROVISIONED:
        return {}
    return next((each.attributes for each in await _provisioned(tx, user) if each.organization == organization), {})


async def _provisioned(tx: UserTransaction, user: User) -> list[Membership]:
    return await tx.imports.provisioned(normalized_email(user.email))


async def _lock(tx: UserTransaction, user: User) -> None:
    """Lock the organizations that may gain a member, all of them in one order: nobody waits for each other."""
    capturing = await tx.domains.find_capturing(domain_of(user.email))
    names = {each.organization for each in await _provisioned(tx, user)}
    for name in sorted({*names, *([capturing.organization] if capturing else [])}):
        with contextlib.suppress(OrganizationNotFound):  # purged meanwhile, with whom it imported
            await tx.organizations.get(name)


async def _take_over(tx: UserTransaction, imported: Membership, user: User, now: Now) -> str:
    """Move a provisioned user's membership and teams, delete the provisioned user, and return the organization."""
    organization, at = imported.organization, now()
    try:
        await tx.memberships.get(membership_name(organization, user.name))
    except MembershipNotFound:
        own = Membership(organization, user.name, imported.role, at, at, attributes=imported.attributes)
        await tx.memberships.add(own)
        tx.outbox.add(MembershipCreated(own.name, organization, own.user, own.role, at))
    for member in await tx.imports.move_teams(imported, user.name):
        tx.outbox.add(TeamMemberCreated(member.team, organization, member.user, at))
    await tx.memberships.remove(imported.name)
    await tx.imports.forget(imported.user)
    tx.outbox.add(MembershipDeleted(imported.name, organization, imported.user, at))
    return organization


async def _capture(tx: UserTransaction, user: User, now: Now, joined: Sequence[str]) -> None:
    hostname = domain_of(user.email)
    domain = await tx.domains.find_capturing(hostname)
    if domain is None:
        return
    organization = await tx.organizations.get(domain.organization)  # from here on nobody changes its domains
    domain = await tx.domains.find_capturing(hostname)
    if domain is None or domain.organization != organization.name or organization.delete_time is not None:
        return
    if organization.name in joined:
        return
    membership, event = join(organization, user.name, Role.MEMBER, now(), by=Role.OWNER)
    await tx.memberships.add(membership)
    tx.outbox.add(event)


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Finds people, and takes in those whom only auth knows."""

    users: Users
    accounts: Accounts
    begin: Begin
    now: Now

    async def get(self, name: str) -> User:
        """Return a user, new or not. Raises UserNotFound."""
        try:
            return await self.users.get(name)
        except UserNotFound:
            user = await self.accounts.get(name)
            await self._take_in(user)
            return user

    async def _take_in(self, user: User) -> None:
        """Write the user in a unit of work of its own: that somebody has an account is no part of what they ask for."""
        asked = repeat.current.set(repeat.NOT_REPEATABLE)
        try:
            async with self.begin() as tx:
                await take_in(tx, user, self.now)
                await tx.commit()
        finally:
            repeat.current.reset(asked)
