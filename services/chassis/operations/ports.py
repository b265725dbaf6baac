"""Where operations are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from services.chassis.errors import ServiceError
from services.chassis.lists import ListQuery, Rows
from services.chassis.operations.operation import Operation


class Operations(Protocol):
    """Reads operations, one statement each."""

    async def find(self, name: str) -> Operation | None:
        """Return an operation by its name."""
        ...

    async def list(self, owner: str, query: ListQuery) -> Rows[Operation]:
        """Return a page of what `owner` began."""
        ...


class ChangedOperations(Protocol):
    """Operations inside a transaction."""

    async def add(self, operation: Operation) -> None:
        """Write a new operation."""
        ...

    async def lock(self, name: str) -> Operation | None:
        """Lock and return an operation."""
        ...

    async def take(self, at: datetime) -> Operation | None:
        """Lock and return one that runs, is due and that nobody else holds: the one due longest."""
        ...

    async def find_running(self, verb: str, target: str) -> Operation | None:
        """Return the operation that does this to this now."""
        ...

    async def find_last(self, verb: str, target: str) -> Operation | None:
        """Return the newest operation that did this to this, whether or not it runs."""
        ...

    async def save(self, operation: Operation) -> None:
        """Write where an operation is now."""
        ...

    async def succeed(self, operation: Operation, answer: Any, *, forever: bool = False) -> Operation:
        """End an operation with its answer, a domain object; `forever` keeps it for good. Return it as ended."""
        ...

    async def fail(self, operation: Operation, error: ServiceError) -> Operation:
        """End an operation with an error. Return it as ended."""
        ...

    async def forget(self, at: datetime, limit: int) -> int:
        """Delete at most `limit` operations that expired, and return how many."""
        ...
