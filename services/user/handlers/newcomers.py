"""People whom auth knows and user has perhaps not heard of yet: auth's event may arrive after they do."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis import repeat
from services.user.domain import User, UserNotFound
from services.user.ports import Accounts, Begin, Now, Users, UserTransaction


async def take_in(tx: UserTransaction, user: User, now: Now) -> None:
    """Write somebody new. Hearing of them again changes nothing."""
    await tx.users.add(user)


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
