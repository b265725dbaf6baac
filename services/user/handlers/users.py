"""Use cases of users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis import etags
from services.chassis.lists import ListQuery, Rows
from services.chassis.principal import Principal
from services.user.domain import User, UserNotFound, UserNotVisible
from services.user.handlers.newcomers import take_in
from services.user.ports import Accounts, Begin, Now, Users, UserTransaction

ME = "users/me"


@dataclass(frozen=True, slots=True)
class UpdateUser:
    """The new values of the fields that change."""

    name: str
    values: dict[str, str]
    etag: str


@dataclass(frozen=True, slots=True)
class UserHandlers:
    """What callers can do with users."""

    users: Users
    accounts: Accounts
    begin: Begin
    now: Now

    async def get_user(self, name: str, caller: Principal) -> User:
        """Return the caller, or a member of the token's organization. Raises UserNotVisible."""
        if name in (ME, caller.subject):
            return await self._myself(caller)
        return (await self.batch_get_users([name], caller))[0]

    async def batch_get_users(self, names: Sequence[str], caller: Principal) -> list[User]:
        """Return the users in the order asked for. Raises UserNotVisible."""
        wanted = [caller.subject if name == ME else name for name in names]
        found = {user.name: user for user in await self.users.find_visible(wanted, caller.subject, caller.organization)}
        for name in wanted:
            if name not in found:
                raise UserNotVisible(name)
        return [found[name] for name in wanted]

    async def list_users(self, organization: str, query: ListQuery, *, show_deleted: bool) -> Rows[User]:
        """Return a page of the members of an organization."""
        return await self.users.list(organization, query, show_deleted=show_deleted)

    async def update_user(self, change: UpdateUser, caller: Principal) -> User:
        """Change the caller's own fields. Raises UserNotVisible for anybody else, EtagMismatch."""
        if change.name not in (ME, caller.subject):
            raise UserNotVisible(change.name)
        async with self.begin() as tx:
            user = await lock_caller(tx, self.accounts, caller.subject, self.now)
            etags.check(change.etag, user.version, user.name)
            updated, event = user.change(change.values, at=self.now())
            await tx.users.save(updated)
            tx.outbox.add(event)
            await tx.commit(updated)
        return updated

    async def create_user(self, user: User) -> None:
        """Take in an account that auth announced. Hearing of it again changes nothing."""
        async with self.begin() as tx:
            await take_in(tx, user, self.now)
            await tx.commit()

    async def _myself(self, caller: Principal) -> User:
        """Return the caller; somebody signed in is known to auth, even where its event has not arrived.

        Raises UserNotVisible for a service account, which is no user.
        """
        if not caller.subject.startswith("users/"):
            raise UserNotVisible(ME)
        try:
            return await self.users.get(caller.subject)
        except UserNotFound:
            user = await self.accounts.get(caller.subject)
            await self.create_user(user)
            return user


async def lock_caller(tx: UserTransaction, accounts: Accounts, name: str, now: Now) -> User:
    """Lock the caller; somebody signed in may be here before auth's event about them."""
    try:
        return await tx.users.get(name)
    except UserNotFound:
        await take_in(tx, await accounts.get(name), now)
        return await tx.users.get(name)
