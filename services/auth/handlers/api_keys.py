"""Use cases of API keys, for the people who manage them. What happens when one is called with is in `key_exchange.py`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.auth.domain import (
    ApiKey,
    ApiKeyCreated,
    ApiKeyNotFound,
    ApiKeyRotated,
    ApiKeyUpdated,
    IssuedApiKey,
    Managed,
    NotAMember,
    ServiceAccountNotFound,
    is_service_account,
)
from services.auth.domain.api_keys import SECRET_BYTES, hashed, hint_of, lifetime, new_secret, only_some_of
from services.auth.handlers.grants import Grants
from services.auth.ports import ApiKeys, AuthTransaction, Begin, NewId, Now
from services.chassis import etags
from services.chassis.errors import SessionRequired, invalid_field
from services.chassis.lists import ListQuery, Rows
from services.chassis.principal import Principal

ME = "users/me"


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    """What a new key is to be."""

    organization: str
    subject: str
    display_name: str
    scopes: Sequence[str]
    expire_time: datetime | None


@dataclass(frozen=True, slots=True)
class UpdateApiKey:
    """The new values of the fields that change; None leaves one as it is."""

    name: str
    display_name: str | None
    scopes: Sequence[str] | None
    etag: str


@dataclass(frozen=True, slots=True)
class RotateApiKey:
    """How long the old secrets stay good, and when the new one ends."""

    name: str
    overlap: timedelta
    expire_time: datetime | None


@dataclass(frozen=True, slots=True)
class ApiKeyHandlers:
    """What callers can do with the keys they manage."""

    api_keys: ApiKeys
    grants: Grants
    begin: Begin
    now: Now
    new_id: NewId
    entropy: Callable[[int], bytes]
    permissions: frozenset[str]
    """Every permission of the contract."""

    async def create_api_key(self, new: CreateApiKey, caller: Principal) -> IssuedApiKey:
        """Make a key. A key makes none: the second would live on when the first, perhaps stolen, is revoked.

        Raises SessionRequired, SubjectForbidden, ScopeForbidden, ServiceAccountNotFound, ServiceAccountInactive,
        InvalidArgument, MembershipUnavailable.
        """
        if caller.api_key:
            raise SessionRequired
        now, secret = self.now(), new_secret(self.entropy(SECRET_BYTES))
        subject = caller.subject if new.subject in ("", ME) else new.subject
        scopes = self._known(new.scopes)
        name, end = f"{new.organization}/apiKeys/{self.new_id('apk')}", lifetime(new.expire_time, now)
        await self._may_have(scopes, subject, new.organization, caller, until=end)
        key = ApiKey(name, new.organization, subject, new.display_name, scopes, hint_of(secret), now, now, end)
        async with self.begin() as tx:
            await _active(tx, subject)
            await tx.api_keys.add(key)
            await tx.api_keys.add_secret(name, hashed(secret), end)
            tx.outbox.add(ApiKeyCreated(name, new.organization, subject, scopes, now))
            issued = IssuedApiKey(key, secret)
            await tx.commit(issued)
        return issued

    async def get_api_key(self, name: str, caller: Principal) -> ApiKey:
        """Raises ApiKeyNotFound, also for a key that the caller does not manage."""
        return _managed(await self.api_keys.get(name), caller)

    async def list_api_keys(
        self, organization: str, caller: Principal, query: ListQuery, *, show_ended: bool
    ) -> Rows[ApiKey]:
        """Return a page of the keys that the caller manages."""
        managed = Managed.by(caller)
        return await self.api_keys.list(organization, managed, self.now(), query, show_ended=show_ended)

    async def update_api_key(self, change: UpdateApiKey, caller: Principal) -> ApiKey:
        """Rename a key or take scopes away. Raises ApiKeyNotFound, ApiKeyEnded, ScopeForbidden, EtagMismatch."""
        now = self.now()
        async with self.begin() as tx:
            key = _managed(await tx.api_keys.lock(change.name), caller)
            etags.check(change.etag, key.version, key.name)
            key.must_not_be_revoked()
            if change.display_name is not None:
                key = key.rename(change.display_name, now)
            if change.scopes is not None:
                key = key.narrow(self._known(change.scopes), now)
            await tx.api_keys.save(key)
            tx.outbox.add(ApiKeyUpdated(key.name, key.organization, key.subject, key.scopes, now))
            await tx.commit(key)
        return key

    async def rotate_api_key(self, rotation: RotateApiKey, caller: Principal) -> IssuedApiKey:
        """Give a key a new secret. A key may be what asks for its own: revoking it ends that, too.

        Raises SessionRequired, ApiKeyNotFound, ApiKeyEnded, SubjectForbidden, ScopeForbidden, ServiceAccountNotFound,
        ServiceAccountInactive, InvalidArgument, MembershipUnavailable.
        """
        if caller.api_key not in ("", rotation.name):
            raise SessionRequired
        now, secret = self.now(), new_secret(self.entropy(SECRET_BYTES))
        key = _managed(await self.api_keys.get(rotation.name), caller)
        end = lifetime(rotation.expire_time, now)
        await self._may_have(key.scopes, key.subject, key.organization, caller, until=end)
        async with self.begin() as tx:
            await _active(tx, key.subject)
            key = await tx.api_keys.lock(rotation.name)
            key.must_not_be_revoked()
            key = key.renew(secret, end, now)
            await tx.api_keys.save(key)
            await tx.api_keys.end_secrets(key.name, now + rotation.overlap, now=now)
            await tx.api_keys.add_secret(key.name, hashed(secret), key.expire_time)
            tx.outbox.add(ApiKeyRotated(key.name, key.organization, key.subject, now + rotation.overlap, now))
            issued = IssuedApiKey(key, secret)
            await tx.commit(issued)
        return issued

    async def revoke_api_key(self, name: str, caller: Principal) -> ApiKey:
        """End a key; ending an ended one changes nothing. Raises ApiKeyNotFound."""
        async with self.begin() as tx:
            key = _managed(await tx.api_keys.lock(name), caller)
            if key.revoke_time is None:
                key, event = key.revoke(self.now())
                await tx.api_keys.save(key)
                tx.outbox.add(event)
            await tx.commit(key)
        return key

    async def end_keys(self, organization: str, user: str) -> None:
        """End every key that somebody has who is no member any more: coming back brings none back."""
        async with self.begin() as tx:
            for key in await tx.api_keys.lock_unrevoked(organization, user):
                revoked, event = key.revoke(self.now())
                await tx.api_keys.save(revoked)
                tx.outbox.add(event)
            await tx.commit()

    async def _may_have(
        self, scopes: Sequence[str], subject: str, organization: str, caller: Principal, *, until: datetime
    ) -> None:
        """Let nobody get more by a secret than they may do by their token and at this moment, nor than its subject may.

        Of a program nobody gets a secret for longer than they may do it themselves; their own does what they still may.
        Raises SubjectForbidden, ServiceAccountNotFound, ScopeForbidden, MembershipUnavailable.
        """
        if is_service_account(subject) and not subject.startswith(f"{organization}/"):
            raise ServiceAccountNotFound(subject)
        Managed.by(caller).may_hold_secrets_of(subject)
        ends = until if is_service_account(subject) else None
        only_some_of(scopes, await self.grants.held(organization, caller, until=ends))
        if is_service_account(subject):
            with contextlib.suppress(NotAMember):  # it is gone or disabled: said when it is locked
                only_some_of(scopes, (await self.grants.permitted(organization, subject)).permissions)

    def _known(self, scopes: Sequence[str]) -> tuple[str, ...]:
        """Return the scopes in order. Raises InvalidArgument for none, and for what is no permission."""
        if not scopes:
            raise invalid_field("api_key.scopes", "must name a permission.", "required")
        for scope in sorted(set(scopes) - self.permissions):
            raise invalid_field("api_key.scopes", f"{scope} is no permission.", "scope")
        return tuple(sorted(scopes))


async def _active(tx: AuthTransaction, subject: str) -> None:
    """Hold a service account, so that it is not deleted meanwhile. Raises ServiceAccountNotFound, ServiceAccountInactive."""
    if is_service_account(subject):
        account = await tx.service_accounts.lock(subject)
        account.must_be_active()


def _managed(key: ApiKey, caller: Principal) -> ApiKey:
    """Return the key. Raises ApiKeyNotFound if the caller does not manage it: whether it exists is not said."""
    if not Managed.by(caller).has(key.subject):
        raise ApiKeyNotFound(key.name)
    return key
