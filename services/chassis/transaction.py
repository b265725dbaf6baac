"""What every service's unit of work has in common, as its ports see it. No SQL, so that handlers may know it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol, Self


class Outbox(Protocol):
    """Events that leave the service if the transaction commits."""

    def add(self, event: Any) -> None:
        """Announce `event` if, and only if, the transaction commits."""
        ...


class Transaction(Protocol):
    """One unit of work. Leaving it without commit changes nothing."""

    @property
    def outbox(self) -> Outbox: ...

    async def commit(self, answer: Any = None) -> None:
        """Make the changes, the events and the answer to a repeated request durable at once."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
