"""Use cases of audit logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile

from services.chassis.audit import AuditedCall
from services.chassis.keys import Keyring
from services.chassis.lists import ListQuery, Rows
from services.user.domain import AuditEntry, Verification, verify
from services.user.ports import AuditLogs, Begin, Now, UserTransaction

AT_ONCE = 1000
"""Entries that one call checks, and one run of the job forgets."""


@dataclass(frozen=True, slots=True)
class AuditHandlers:
    """What callers can do with audit logs, and what writes them."""

    logs: AuditLogs
    begin: Begin
    now: Now
    keyring: Keyring
    retention: timedelta

    async def list_audit_entries(self, organization: str, query: ListQuery) -> Rows[AuditEntry]:
        """Return a page of the log of an organization."""
        return await self.logs.list(organization, query)

    async def get_audit_entry(self, name: str) -> AuditEntry:
        """Raises AuditEntryNotFound."""
        return await self.logs.get(name)

    async def verify_audit_log(self, organization: str, start: str) -> Verification:
        """Check the next entries of a log. Nothing is added or forgotten meanwhile. Raises AuditEntryNotFound."""
        async with self.begin() as tx:
            chain = await tx.audit.lock(organization)
            first = await tx.audit.get(start) if start else None
            entries = await tx.audit.read(organization, first.sequence if first else 0, AT_ONCE + 1)
        return verify(chain, entries[:AT_ONCE], self._mac, first=first, more=len(entries) > AT_ONCE)

    async def append(self, calls: Sequence[AuditedCall]) -> None:
        """Put calls that services told of into the logs of their organizations, all of them or none."""
        async with self.begin() as tx:
            for organization in sorted({call.organization for call in calls}):
                await self._append(tx, organization, [call for call in calls if call.organization == organization])
            await tx.commit()

    async def _append(self, tx: UserTransaction, organization: str, calls: Sequence[AuditedCall]) -> None:
        chain, entries = await tx.audit.lock(organization), list[AuditEntry]()
        for call in calls:
            entry, chain = chain.append(_entry(call), self._mac)
            entries.append(entry)
        await tx.audit.append(entries, chain)

    async def forget_audit_entries(self) -> bool:
        """Forget the oldest entries of a log whose time is over. Say whether there may be more."""
        before = self.now() - self.retention
        organization = await self.logs.find_due(before)
        if organization is None:
            return False
        async with self.begin() as tx:
            chain = await tx.audit.lock(organization)
            oldest = await tx.audit.read(organization, 0, AT_ONCE)
            if over := [*takewhile(lambda entry: entry.create_time < before, oldest)]:
                await tx.audit.forget(chain.forget(over[-1], self._mac))
                await tx.commit()
        return True

    def _mac(self, said: bytes) -> bytes:
        return self.keyring.mac("audit", said)


def _entry(call: AuditedCall) -> AuditEntry:
    return AuditEntry(
        organization=call.organization,
        id=call.id,
        sequence=0,
        create_time=call.time,
        service=call.service,
        rpc=call.rpc,
        actor=call.actor,
        api_key=call.api_key,
        resources=call.resources,
        code=call.code,
        reason=call.reason,
        request_id=call.request_id,
        trace_id=call.trace_id,
        address_prefix=call.address_prefix,
        call_count=call.call_count,
        previous_hash="",
    )
