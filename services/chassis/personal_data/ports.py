"""Where a service finds what it keeps of a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from services.chassis.personal_data.report import ErasedRecords, ErasureReport


class PersonalData(Protocol):
    """What is stored of a person, inside a transaction."""

    async def collect(self, user: str) -> list[dict[str, Any]]:
        """Return every record of the person: its kind, and each field with its data class and value; secrets without."""
        ...

    async def erase_some(self, user: str, limit: int) -> dict[str, int]:
        """Erase at most `limit` records of the kinds of which there may be many; return how many of each. None: all are."""
        ...

    async def erase(self, user: str, before: Mapping[str, int] | None = None) -> tuple[ErasedRecords, ...]:
        """Erase every record of the person and return what there was, with what `erase_some` erased `before`.

        Again, there is nothing left.
        """
        ...


class Reports(Protocol):
    """What a service answered to erasures, so that one asked again gets the first answer again."""

    async def find(self, operation: str) -> ErasureReport | None:
        """Return the answer of an operation, if there was one."""
        ...

    async def add(self, operation: str, user: str, report: ErasureReport, at: datetime) -> None:
        """Keep an answer."""
        ...
