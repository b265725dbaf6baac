"""Use cases of preferences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.chassis import etags
from services.chassis.principal import Principal
from services.user.domain import Preferences, ResolvedPreferences, UserNotFound, UserNotVisible, preferences_of, resolve
from services.user.handlers.newcomers import take_in
from services.user.ports import Accounts, AllPreferences, Begin, Now, UserTransaction

ME = "users/me"


@dataclass(frozen=True, slots=True)
class UpdatePreferences:
    """The new values of the fields that change."""

    name: str
    values: dict[str, Any]
    etag: str


@dataclass(frozen=True, slots=True)
class PreferencesHandlers:
    """What callers can do with preferences."""

    preferences: AllPreferences
    accounts: Accounts
    begin: Begin
    now: Now

    async def get_user_preferences(self, name: str, caller: Principal) -> Preferences:
        """Return the caller's own. Raises UserNotVisible for anybody else's."""
        return await self._get(_own(name, caller))

    async def update_user_preferences(self, change: UpdatePreferences, caller: Principal) -> Preferences:
        """Change the caller's own. Raises UserNotVisible for anybody else's, EtagMismatch."""
        name = _own(change.name, caller)
        async with self.begin() as tx:
            try:
                preferences = await tx.preferences.get(name)
            except UserNotFound:  # signed in, and here before auth's event about it
                await take_in(tx, await self.accounts.get(caller.subject), self.now)
                preferences = await tx.preferences.get(name)
            return await self._changed(tx, preferences, change)

    async def resolve_user_preferences(self, name: str, caller: Principal) -> ResolvedPreferences:
        """Return what counts for the caller in the token's organization. Raises UserNotVisible for anybody else."""
        name = _own(name, caller)
        defaults = preferences_of(caller.organization) if caller.organization else ""
        found = await self.preferences.find([name, defaults] if defaults else [name])
        return resolve(found[name], found.get(defaults))

    async def get_organization_preferences(self, name: str) -> Preferences:
        """Return an organization's defaults."""
        return await self._get(name)

    async def update_organization_preferences(self, change: UpdatePreferences) -> Preferences:
        """Change an organization's defaults. Raises OrganizationNotFound, OrganizationDeleted, EtagMismatch."""
        async with self.begin() as tx:
            (await tx.organizations.get(change.name.removesuffix("/preferences"))).must_be_active()
            return await self._changed(tx, await tx.preferences.get(change.name), change)

    async def _get(self, name: str) -> Preferences:
        return (await self.preferences.find([name]))[name]

    async def _changed(self, tx: UserTransaction, preferences: Preferences, change: UpdatePreferences) -> Preferences:
        etags.check(change.etag, preferences.version, preferences.name)
        updated, event = preferences.change(change.values, at=self.now())
        await tx.preferences.save(updated)
        tx.outbox.add(event)
        await tx.commit(updated)
        return updated


def _own(name: str, caller: Principal) -> str:
    """Return the name with `users/me` resolved. Raises UserNotVisible for anybody else's."""
    user = name.removesuffix("/preferences")
    if user not in (ME, caller.subject):
        raise UserNotVisible(user)
    return preferences_of(caller.subject)
