"""Exports, certificates and answers in memory, and what user's fake tables hold of a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.chassis.personal_data import ErasedRecords
from services.user.domain import ErasureCertificate, PersonalDataExport

Held = Callable[[], Any]
"""The tables of `tests/fakes/user.py`."""
RECORDS = {
    "team_members": "trellis.user.v1.TeamMember",
    "memberships": "trellis.user.v1.Membership",
    "exports": "trellis.user.v1.PersonalDataExport",
}


@dataclass(frozen=True, slots=True)
class FakeExports:
    """Exports of committed tables, or of those of a transaction."""

    tables: Held

    async def find(self, name: str, at: datetime) -> PersonalDataExport | None:
        found: PersonalDataExport | None = self.tables().exports.get(name)
        return found if found and at < found.expire_time else None

    async def add(self, export: PersonalDataExport) -> None:
        self.tables().exports[export.name] = export

    async def forget(self, at: datetime) -> None:
        tables = self.tables()
        tables.exports = {name: each for name, each in tables.exports.items() if at < each.expire_time}
        running = {each.name for each in tables.operations.values() if not each.done}
        tables.service_answers = {key: data for key, data in tables.service_answers.items() if key[0] in running}


@dataclass(frozen=True, slots=True)
class FakeCertificates:
    """Certificates of committed tables, or of those of a transaction."""

    tables: Held

    async def find(self, name: str) -> ErasureCertificate | None:
        found: ErasureCertificate | None = self.tables().certificates.get(name)
        return found

    async def add(self, certificate: ErasureCertificate) -> None:
        self.tables().certificates[certificate.name] = certificate


@dataclass(frozen=True, slots=True)
class FakeAnswers:
    """What services answered, in a transaction."""

    tables: Held

    async def add(self, operation: str, service: str, data: bytes, at: datetime) -> None:
        self.tables().service_answers.setdefault((operation, service), data)

    async def of(self, operation: str) -> dict[str, bytes]:
        return {service: data for (name, service), data in self.tables().service_answers.items() if name == operation}

    async def remove(self, operation: str) -> None:
        tables = self.tables()
        tables.service_answers = {key: data for key, data in tables.service_answers.items() if key[0] != operation}


@dataclass(frozen=True, slots=True)
class FakePersonalData:
    """What user holds of a person, in a transaction; the real holdings are tested on PostgreSQL."""

    tables: Held

    async def collect(self, user: str) -> list[dict[str, Any]]:
        found = self.tables().users[user]
        fields = {name: {"class": "PERSONAL", "value": getattr(found, name)} for name in ("email", "display_name")}
        return [{"record": "trellis.user.v1.User", "fields": fields}]

    async def erase_some(self, user: str, limit: int) -> dict[str, int]:
        return {}

    async def erase(self, user: str, before: Mapping[str, int] | None = None) -> tuple[ErasedRecords, ...]:
        tables, erased = self.tables(), []
        for table, record in RECORDS.items():
            rows = getattr(tables, table)
            own = [key for key, row in rows.items() if row.user == user]
            for key in own:
                del rows[key]
            if own:
                erased.append(ErasedRecords(record, len(own), (), ()))
        blank = {"email": "", "display_name": "", "language_code": "", "time_zone": ""}
        tables.users[user] = replace(tables.users[user], **blank)
        return (*erased, ErasedRecords("trellis.user.v1.User", 1, tuple(blank), ()))
