"""Where exports, certificates and the answers of other services are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.user.domain import ErasureCertificate, PersonalDataExport


class Exports(Protocol):
    """Reads exports, one statement each."""

    async def find(self, name: str, at: datetime) -> PersonalDataExport | None:
        """Return an export whose time is not over."""
        ...


class Certificates(Protocol):
    """Reads certificates, one statement each."""

    async def find(self, name: str) -> ErasureCertificate | None:
        """Return a certificate by its name."""
        ...


class Answers(Protocol):
    """What other services answered to running operations, inside a transaction."""

    async def add(self, operation: str, service: str, data: bytes, at: datetime) -> None:
        """Keep an answer; the first one of each service counts."""
        ...

    async def of(self, operation: str) -> dict[str, bytes]:
        """Return the answers by service."""
        ...

    async def remove(self, operation: str) -> None:
        """Forget the answers of an operation."""
        ...


class ChangedExports(Protocol):
    """Exports inside a transaction."""

    async def add(self, export: PersonalDataExport) -> None:
        """Write a new export; the document is sealed."""
        ...

    async def forget(self, at: datetime) -> None:
        """Delete the exports whose time is over, and answers that nobody waits for any more."""
        ...


class ChangedCertificates(Protocol):
    """Certificates inside a transaction."""

    async def add(self, certificate: ErasureCertificate) -> None:
        """Write a new certificate."""
        ...
