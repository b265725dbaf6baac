"""Where audit logs are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.chassis.lists import ListQuery, Rows
from services.user.domain import AuditChain, AuditEntry


class AuditLogs(Protocol):
    """Reads audit logs, one statement each."""

    async def get(self, name: str) -> AuditEntry:
        """Raises AuditEntryNotFound."""
        ...

    async def list(self, organization: str, query: ListQuery) -> Rows[AuditEntry]:
        """Return a page of the log of `organization`."""
        ...

    async def find_due(self, before: datetime) -> str | None:
        """Return an organization whose oldest entry is of a time before `before`."""
        ...


class ChangedAuditLogs(Protocol):
    """Audit logs inside a transaction."""

    async def lock(self, organization: str) -> AuditChain:
        """Return the chain of an organization, the same for nobody else until the transaction ends."""
        ...

    async def get(self, name: str) -> AuditEntry:
        """Raises AuditEntryNotFound."""
        ...

    async def read(self, organization: str, sequence: int, limit: int) -> Sequence[AuditEntry]:
        """Return up to `limit` entries from a place in the log on, in order."""
        ...

    async def append(self, entries: Sequence[AuditEntry], chain: AuditChain) -> None:
        """Write new entries and the chain with them. Of somebody who was erased, the address is left out."""
        ...

    async def forget(self, chain: AuditChain) -> None:
        """Remove what is not in the chain any more."""
        ...
