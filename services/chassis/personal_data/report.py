"""What was erased of a person, what is kept and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

EVERYWHERE: Mapping[str, tuple[str, timedelta]] = {
    "events": (
        "What services announce to each other is kept for those that are away.",
        timedelta(days=8),  # the bus keeps 7 days and trims hourly
    ),
    "dead letters": ("Events that a service could not take in are kept to be replayed.", timedelta(days=31)),
    "first answers": (
        "Answers to repeatable requests are kept, encrypted, so that a request sent again is not done again.",
        timedelta(days=2),  # kept for one, purged within minutes
    ),
}
"""What every service keeps for a while, why, and for how long at most."""


@dataclass(frozen=True, slots=True)
class ErasedRecords:
    """What was erased of one kind of record."""

    record: str
    """The name of the record's message, for example `trellis.user.v1.User`."""
    count: int
    personal_fields: tuple[str, ...]
    secret_fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptRecords:
    """What is kept for a while, and why."""

    record: str
    reason: str
    end_time: datetime | None
    """When it will be gone at the latest; None: never, it says nothing of the person beyond the user's name."""


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """One service's account of an erasure."""

    erased: tuple[ErasedRecords, ...]
    kept: tuple[KeptRecords, ...]

    def to_json(self) -> bytes:
        """Return it as it is stored, and as certificates say it."""
        return json.dumps(self.as_claims(), separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, document: bytes | str) -> Self:
        """Return what `to_json` wrote."""
        read: dict[str, list[dict[str, Any]]] = json.loads(document)
        erased = (
            ErasedRecords(e["record"], e["count"], tuple(e["personal_fields"]), tuple(e["secret_fields"]))
            for e in read["erased"]
        )
        kept = (
            KeptRecords(k["record"], k["reason"], datetime.fromisoformat(k["end_time"]) if k["end_time"] else None)
            for k in read["kept"]
        )
        return cls(tuple(erased), tuple(kept))

    def as_claims(self) -> dict[str, Any]:
        """Return it as JSON's own types."""
        return {
            "erased": [
                {
                    "record": each.record,
                    "count": each.count,
                    "personal_fields": list(each.personal_fields),
                    "secret_fields": list(each.secret_fields),
                }
                for each in self.erased
            ],
            "kept": [
                {
                    "record": each.record,
                    "reason": each.reason,
                    "end_time": each.end_time.isoformat() if each.end_time else None,
                }
                for each in self.kept
            ],
        }


@dataclass(frozen=True, slots=True)
class PersonalDataCollected:
    """A service's answer to an export."""

    user: str
    operation: str
    document: str
    """Encrypted to the key that the question brought (`sealed.py`)."""
    collect_time: datetime


@dataclass(frozen=True, slots=True)
class PersonalDataErased:
    """A service's answer to an erasure."""

    user: str
    operation: str
    report: ErasureReport
    erase_time: datetime


def kept_everywhere(at: datetime) -> tuple[KeptRecords, ...]:
    """Return what every service keeps for a while after an erasure at `at`."""
    return tuple(KeptRecords(record, reason, at + kept) for record, (reason, kept) in EVERYWHERE.items())
