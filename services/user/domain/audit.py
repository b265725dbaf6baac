"""The audit log of an organization: a chain in which each entry holds the hash of the one before.

A change, a gap or an entry put in shows, also if somebody made it who can write to the database: the hashes are keyed. What
says where the chain begins and ends is sealed in the same way, so that nobody cuts off either end unseen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import Self

from services.chassis.errors import NotFound

Mac = Callable[[bytes], bytes]
"""A keyed hash."""
NOT_HASHED = frozenset({"hash", "address_prefix"})
"""The address prefix is erased with the person; the chain must outlast that."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One audited call in the log of its organization."""

    organization: str
    id: str
    sequence: int
    create_time: datetime
    service: str
    rpc: str
    actor: str
    api_key: str
    resources: tuple[str, ...]
    code: str
    reason: str
    request_id: str
    trace_id: str
    address_prefix: str
    call_count: int
    previous_hash: str
    hash: str = ""

    @property
    def name(self) -> str:
        """`organizations/{organization}/auditEntries/{id}`."""
        return f"{self.organization}/auditEntries/{self.id}"

    def hashed(self, mac: Mac) -> str:
        """Return the hash it has as long as nobody changed it."""
        said = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in NOT_HASHED}
        said["create_time"] = self.create_time.astimezone(UTC).isoformat()
        return mac(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hex()


@dataclass(frozen=True, slots=True)
class AuditChain:
    """Where the log of an organization begins and ends."""

    organization: str
    head_sequence: int = 0
    head_hash: str = ""
    """Of the newest entry."""
    anchor_sequence: int = 0
    anchor_hash: str = ""
    """Of the last entry that was forgotten: what the oldest one that is kept follows."""
    seal: str = ""

    def append(self, entry: AuditEntry, mac: Mac) -> tuple[AuditEntry, Self]:
        """Return the entry in its place, and the chain with it."""
        placed = replace(entry, sequence=self.head_sequence + 1, previous_hash=self.head_hash)
        placed = replace(placed, hash=placed.hashed(mac))
        return placed, replace(self, head_sequence=placed.sequence, head_hash=placed.hash)._sealed(mac)

    def forget(self, last: AuditEntry, mac: Mac) -> Self:
        """Return the chain without the entries up to `last`."""
        return replace(self, anchor_sequence=last.sequence, anchor_hash=last.hash)._sealed(mac)

    def intact(self, mac: Mac) -> bool:
        """Whether nobody changed where it begins and ends."""
        return self == AuditChain(self.organization) or self.seal == self._seal(mac)

    def _sealed(self, mac: Mac) -> Self:
        return replace(self, seal=self._seal(mac))

    def _seal(self, mac: Mac) -> str:
        ends = [self.organization, self.head_sequence, self.head_hash, self.anchor_sequence, self.anchor_hash]
        return mac(json.dumps(ends).encode()).hex()


class FaultKind(IntEnum):
    """How a log may not be as it was written; the numbers are the contract's."""

    CHANGED = 1
    MISSING = 2
    ENDS_CHANGED = 3


@dataclass(frozen=True, slots=True)
class AuditFault:
    """Where a log is not as it was written."""

    kind: FaultKind
    sequence: int = 0
    audit_entry: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking a part of a log found."""

    verified: int = 0
    fault: AuditFault | None = None
    last: AuditEntry | None = None
    """The last entry that was checked."""
    more: bool = False


def verify(
    chain: AuditChain, entries: Sequence[AuditEntry], mac: Mac, *, first: AuditEntry | None, more: bool
) -> Verification:
    """Check a run of entries that begins with `first`, or with the oldest; `more` says that the log goes on after them."""
    if not chain.intact(mac):
        return Verification(fault=AuditFault(FaultKind.ENDS_CHANGED))
    sequence = first.sequence if first else chain.anchor_sequence + 1
    previous = first.previous_hash if first else chain.anchor_hash
    verified, last = 0, None
    for entry in entries:
        if entry.sequence != sequence:
            return Verification(verified, AuditFault(FaultKind.MISSING, sequence), last)
        if entry.previous_hash != previous or entry.hash != entry.hashed(mac):
            return Verification(verified, AuditFault(FaultKind.CHANGED, sequence, entry.name), last)
        verified, last, sequence, previous = verified + 1, entry, sequence + 1, entry.hash
    return Verification(verified, None if more else _fault_at_end(chain, sequence, previous, last), last, more)


def _fault_at_end(chain: AuditChain, sequence: int, previous: str, last: AuditEntry | None) -> AuditFault | None:
    if sequence <= chain.head_sequence:
        return AuditFault(FaultKind.MISSING, sequence)
    if sequence > chain.head_sequence + 1 or previous != chain.head_hash:
        return AuditFault(FaultKind.CHANGED, sequence - 1, last.name if last else "")
    return None


class AuditEntryNotFound(NotFound):
    """There is no such audit entry, or its time is over."""

    reason = "AUDIT_ENTRY_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", audit_entry=name)
