"""Exports and erasures of what all services keep of a person."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.chassis.errors import FailedPrecondition, NotFound
from services.chassis.personal_data import ErasureReport, KeptRecords

EXPORT, ERASE = "ExportPersonalData", "ErasePersonalData"
"""Verbs of the operations."""
EXPORT_KEPT = timedelta(days=7)
FRESH = timedelta(minutes=10)
"""How young a session has to be for something that cannot be undone."""
TOMBSTONE = KeptRecords(
    "user name",
    "The name and its times stay, so that nobody gets it again; audit logs and what others wrote go on naming it.",
    None,
)


@dataclass(frozen=True, slots=True)
class PersonalDataExport:
    """A person's data as one document."""

    name: str
    """`users/{user}/personalDataExports/{operation id}`."""
    user: str
    document: bytes
    create_time: datetime
    expire_time: datetime

    @property
    def sha256(self) -> str:
        """The document's digest, in hexadecimal digits."""
        return hashlib.sha256(self.document).hexdigest()


@dataclass(frozen=True, slots=True)
class ErasureCertificate:
    """What was erased of a person, kept and why, signed."""

    name: str
    """`erasureCertificates/{operation id}`."""
    user: str
    certificate: str
    """A compact JWS over `certificate_claims`."""
    create_time: datetime


@dataclass(frozen=True, slots=True)
class PersonalDataRequested:
    """Every service that takes part is asked for what it keeps of a person."""

    user: str
    operation: str
    answer_key: str
    request_time: datetime


@dataclass(frozen=True, slots=True)
class PersonalDataErasureRequested:
    """Every service that takes part is told to erase what it keeps of a person."""

    user: str
    operation: str
    request_time: datetime


@dataclass(frozen=True, slots=True)
class UserErased:
    """A person's data is erased everywhere."""

    user: str
    operation: str
    erase_time: datetime


def missing(participants: Collection[str], answered: Collection[str]) -> tuple[str, ...]:
    """Return who has not answered yet, as `services/{service}`."""
    return tuple(f"services/{name}" for name in sorted(set(participants) - set(answered)))


def export_name(user: str, operation: str) -> str:
    """Return the name of the export that an operation makes."""
    return f"{user}/personalDataExports/{operation.removeprefix('operations/')}"


def certificate_name(operation: str) -> str:
    """Return the name of the certificate that an operation ends in."""
    return f"erasureCertificates/{operation.removeprefix('operations/')}"


def operation_of(certificate: str) -> str:
    """Return the operation that a certificate is of."""
    return f"operations/{certificate.removeprefix('erasureCertificates/')}"


def certificate_claims(
    issuer: str, operation: str, user: str, request_time: datetime, at: datetime, reports: Mapping[str, ErasureReport]
) -> dict[str, Any]:
    """Return what a certificate says: whose data, when, and what each service erased and kept."""
    return {
        "iss": issuer,
        "sub": user,
        "jti": certificate_name(operation),
        "iat": int(at.timestamp()),
        "request_time": request_time.isoformat(),
        "erase_time": at.isoformat(),
        "services": {service: report.as_claims() for service, report in sorted(reports.items())},
    }


class PersonalDataExportNotFound(NotFound):
    """The caller has no such export, or its time is over."""

    reason = "PERSONAL_DATA_EXPORT_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", export=name)


class FreshSignInRequired(FailedPrecondition):
    """The session is too old for something that cannot be undone."""

    reason = "FRESH_SIGN_IN_REQUIRED"

    def __init__(self) -> None:
        minutes = str(int(FRESH.total_seconds() // 60))
        super().__init__(
            f"This needs a session that began within the last {minutes} minutes; sign in again.", minutes=minutes
        )


class ErasureCertificateNotFound(NotFound):
    """There is no such certificate."""

    reason = "ERASURE_CERTIFICATE_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", certificate=name)


class ErasureRunning(FailedPrecondition):
    """The erasure still runs."""

    reason = "ERASURE_RUNNING"

    def __init__(self, waiting_for: Collection[str]) -> None:
        listed = ", ".join(waiting_for) or "services/user"
        super().__init__(f"The erasure still runs; it waits for {listed}.", waiting_for=listed)
