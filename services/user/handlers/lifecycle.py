"""Use cases of an account's life: out of use, back, deleted, back, and gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.chassis import etags
from services.chassis.mail import Mail, Mailer
from services.chassis.principal import Principal
from services.user.domain import (
    LastOwnerOf,
    OrganizationPurged,
    RestoreLinkInvalid,
    User,
    UserNotFound,
    UserNotVisible,
    UserState,
)
from services.user.handlers.restore_links import RestoreLinks
from services.user.handlers.users import ME, lock_caller
from services.user.ports import Accounts, Begin, Now, UserTransaction

BATCH = 500
"""Rows deleted in one transaction: it is short, and nobody waits for it."""


@dataclass(frozen=True, slots=True)
class LifecycleHandlers:
    """What people can do with their own account, and what time does to it."""

    accounts: Accounts
    begin: Begin
    now: Now
    retention: timedelta
    links: RestoreLinks
    mailer: Mailer

    async def deactivate_user(self, name: str, etag: str, caller: Principal) -> User:
        """Put the caller's account out of use. Raises UserNotVisible, UserNotActive, LastOwnerOf, EtagMismatch."""
        async with self.begin() as tx:
            user = await leaving(tx, self.accounts, own(name, caller), self.now)
            etags.check(etag, user.version, user.name)
            deactivated, event = user.deactivate(at=self.now())
            await tx.users.save(deactivated)
            tx.outbox.add(event)
            await tx.commit(deactivated)
        return deactivated

    async def reactivate_user(self, name: str, token: str) -> User:
        """Bring a deactivated account back. Raises RestoreLinkInvalid, UserNotDeactivated."""
        async with self.begin() as tx:
            user = await self._linked(tx, name, token)
            active, event = user.reactivate(at=self.now())
            await tx.users.save(active)
            tx.outbox.add(event)
            await tx.commit(active)
        return active

    async def delete_user(self, name: str, etag: str, caller: Principal) -> User:
        """Delete the caller's account until it is purged.

        Raises UserNotVisible, UserNotActive, LastOwnerOf, EtagMismatch.
        """
        async with self.begin() as tx:
            user = await leaving(tx, self.accounts, own(name, caller), self.now)
            etags.check(etag, user.version, user.name)
            deleted, event = user.delete(at=self.now(), retention=self.retention)
            await tx.users.save(deleted)
            tx.outbox.add(event)
            await tx.commit(deleted)
        return deleted

    async def undelete_user(self, name: str, token: str) -> User:
        """Bring a deleted account back. Raises RestoreLinkInvalid, UserNotDeleted."""
        async with self.begin() as tx:
            user = await self._linked(tx, name, token)
            active, event = user.undelete(at=self.now())
            await tx.users.save(active)
            tx.outbox.add(event)
            await tx.commit(active)
        return active

    async def send_restore_link(self, name: str, event_id: str) -> None:
        """Mail the link that brings an account back; for one that is back already, nothing."""
        async with self.begin() as tx:
            user = await tx.users.get(name)
            if user.state in _MAILS:
                await self.mailer.send(self._mail(user, event_id))
            await tx.commit()

    async def purge_organizations(self) -> bool:
        """Delete some of what is in an organization whose time has come, and at last the organization; say if there was one.

        It may have a hundred thousand members. Killed in between, the next run goes on; nobody can bring it back meanwhile.
        """
        async with self.begin() as tx:
            organization = await tx.organizations.lock_due(self.now())
            if organization is None:
                return False
            if await tx.organizations.empty(organization.name, BATCH) < BATCH:
                await tx.organizations.remove(organization.name)
                tx.outbox.add(OrganizationPurged(organization.name, self.now()))
            await tx.commit()
        return True

    async def _linked(self, tx: UserTransaction, name: str, token: str) -> User:
        """Lock and return the account a link is about. An unknown one answers as a wrong link does."""
        try:
            user = await tx.users.get(name)
        except UserNotFound:
            raise RestoreLinkInvalid from None
        self.links.check(user, token)
        return user

    def _mail(self, user: User, event_id: str) -> Mail:
        subject, what = _MAILS[user.state]
        until = f" until {user.purge_time:%d %B %Y, %H:%M} UTC" if user.purge_time else ""
        text = (
            f"Hello {user.display_name},\n\n"
            f"your account {what}. To bring it back{until}, follow this link:\n\n{self.links.url(user)}\n\n"
            f"Token:\n{self.links.token(user)}\n\n"
            "The link works for some days; signing in with your password has another one sent. "
            "If you want it to stay as it is, you need to do nothing.\n"
        )
        return Mail(event_id, user.email, subject, text)


async def leaving(tx: UserTransaction, accounts: Accounts, name: str, now: Now) -> User:
    """Lock what a user owns and the user, and return the user. Raises LastOwnerOf.

    Organizations first: whoever changes memberships locks in that order, too.
    """
    await tx.organizations.lock_owned_by(name)
    user = await lock_caller(tx, accounts, name, now)
    if deserted := await tx.memberships.last_owned_by(name):
        raise LastOwnerOf(name, deserted)
    return user


def own(name: str, caller: Principal) -> str:
    """Return the caller's name. Raises UserNotVisible for anybody else's, whether or not it exists."""
    if name not in (ME, caller.subject):
        raise UserNotVisible(name)
    return caller.subject


_MAILS = {
    UserState.DEACTIVATED: ("Your account is deactivated", "is deactivated: nobody can sign in with it"),
    UserState.DELETED: ("Your account is deleted", "is deleted"),
}
"""Subject and what happened, by the states from which an account can come back."""
