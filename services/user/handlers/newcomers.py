"""People whom auth knows and user has perhaps not heard of yet: auth's event may arrive after they do."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis import repeat
from services.chassis.addresses import domain_of
from services.user.domain import Role, User, UserNotFound, join
from services.user.ports import Accounts, Begin, Now, Users, UserTransaction


async def take_in(tx: UserTransaction, user: User, now: Now) -> None:
    """Write somebody new, a member at once where their domain captures. Hearing of them again changes nothing."""
    if await tx.users.add(user):
        await _capture(tx, user, now)


async def _capture(tx: UserTransaction, user: User, now: Now) -> None:
    hostname = domain_of(user.email)
    domain = await tx.domains.find_capturing(hostname)
    if domain is None:
        return
    organization = await tx.organizations.get(domain.organization)  # from here on nobody changes its domains
    domain = await tx.domains.find_capturing(hostname)
    if domain is None or domain.organization != organization.name or organization.delete_time is not None:
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
