"""What subjects may do: read anew for every token, remembered for a second for whoever asks in between."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime, timedelta

from services.auth.domain import (
    Access,
    Catalogue,
    Membership,
    NotAMember,
    Permitted,
    ServiceAccountNotFound,
    State,
    access_of,
    is_service_account,
)
from services.auth.ports import Memberships, Now, RoleBindings, ServiceAccounts
from services.chassis.principal import Principal

REMEMBERED_FOR = timedelta(seconds=1)
REMEMBERED = 10_000
FOREVER = datetime.max.replace(tzinfo=UTC)

Key = tuple[str, str]


class Grants:
    """Joins what user knows of memberships with the role bindings."""

    def __init__(
        self,
        memberships: Memberships,
        service_accounts: ServiceAccounts,
        role_bindings: RoleBindings,
        catalogue: Catalogue,
        now: Now,
    ) -> None:
        self._memberships, self._service_accounts = memberships, service_accounts
        self._role_bindings, self._catalogue, self._now = role_bindings, catalogue, now
        self._known: OrderedDict[Key, tuple[datetime, Access]] = OrderedDict()
        self._reading: dict[Key, asyncio.Task[Access]] = {}

    async def permitted(self, organization: str, subject: str) -> Permitted:
        """Return what a token of now is to say. Raises NotAMember, MembershipUnavailable."""
        return (await self._read(organization, subject)).permitted(self._now())

    async def held(self, organization: str, caller: Principal, *, until: datetime | None = None) -> frozenset[str]:
        """Return what the caller's token permits there and the caller may at this moment, or as far as is known until then.

        Whoever has something for a time gives it for no longer. Raises MembershipUnavailable.
        """
        try:
            access = await self._read(organization, caller.subject)
        except NotAMember:
            return frozenset()
        now = self._now()
        return caller.permissions & access.permissions(organization, max(until or now, now))

    async def recent(self, organization: str, subject: str) -> Access:
        """Return what a subject may do, as of a second ago at most; a stranger nothing. Raises MembershipUnavailable."""
        key = (organization, subject)
        known = self._known.get(key)
        if known is not None and self._now() < known[0] + REMEMBERED_FOR:
            return known[1]
        reading = self._reading.get(key)
        if reading is None:
            reading = self._reading[key] = asyncio.create_task(self._read_and_keep(key))
            reading.add_done_callback(lambda task: self._done(key, task))
        return await asyncio.shield(reading)  # who stops waiting takes it from nobody else

    def forget(self, organization: str = "", subject: str = "") -> None:
        """Read anew what is asked next of what matches all that is said: something changed.

        What is being read may be older than the change, so it is not kept either.
        """
        if not (organization or subject):
            return
        for keys in (self._known, self._reading):
            for key in [key for key in keys if organization in ("", key[0]) and subject in ("", key[1])]:
                del keys[key]

    async def _read(self, organization: str, subject: str) -> Access:
        """Raises NotAMember, MembershipUnavailable."""
        membership = await self._membership(organization, subject)
        teams = membership.teams if membership else ()
        bound = await self._role_bindings.of(organization, (subject, *teams))
        predefined = self._catalogue.roles
        return access_of(
            organization,
            membership,
            ((b, predefined[b.role].permissions if b.role in predefined else permissions) for b, permissions in bound),
        )

    async def _membership(self, organization: str, subject: str) -> Membership | None:
        """Return what a membership, or a service account's own role, gives. Raises NotAMember, MembershipUnavailable."""
        if subject.startswith("users/"):
            return await self._memberships.resolve(organization, subject)
        if not is_service_account(subject):
            return None
        try:
            account = await self._service_accounts.get(subject)
        except ServiceAccountNotFound:
            raise NotAMember(organization) from None
        if account.organization != organization or account.state is not State.ACTIVE:
            raise NotAMember(organization)
        return Membership(account.name, account.role, self._catalogue.roles[account.role].permissions)

    async def _read_and_keep(self, key: Key) -> Access:
        began = self._now()
        try:
            access = await self._read(*key)
        except NotAMember:
            access = Access(key[0])
        if self._reading.get(key) is asyncio.current_task():
            self._known[key] = (began, access)
            self._known.move_to_end(key)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return access

    def _done(self, key: Key, task: asyncio.Task[Access]) -> None:
        if self._reading.get(key) is task:
            del self._reading[key]
        if not task.cancelled():
            task.exception()  # whoever waited has it; if nobody did any more, it is nobody's
