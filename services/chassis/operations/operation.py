"""What an operation is, and how it gets on. No I/O, no clock: `at` is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from services.chassis.errors import Aborted

KEPT = timedelta(days=7)
"""How long an operation that ended can be asked for."""
BACKOFF_S, BACKOFF_LIMIT_S = 0.5, 60.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an operation is, as whoever polls it sees."""

    stage: str = ""
    """What it is at, in a word."""
    done_count: int = 0
    total_count: int = 0
    waiting_for: tuple[str, ...] = ()
    """Whom it cannot go on without, for example `services/auth`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Work that goes on after the call that began it has answered."""

    name: str
    """`operations/{operation}`."""
    verb: str
    """What it does, as the RPC is named: `ErasePersonalData`."""
    owner: str
    """Who began it, and alone sees it."""
    target: str
    """What it is about, for example `users/{user}`."""
    create_time: datetime
    update_time: datetime
    next_time: datetime
    """When the runner looks at it again."""
    cancellable: bool = True
    progress: Progress = field(default_factory=Progress)
    checkpoint: Mapping[str, Any] = field(default_factory=dict)
    """What the next step has to know of those before; JSON."""
    failures: int = 0
    """Steps that failed since the last one that succeeded."""
    end_time: datetime | None = None
    expire_time: datetime | None = None
    response: bytes = b""
    """The answer, packed (`google.protobuf.Any`), once it succeeded."""
    error: bytes = b""
    """Why it failed (`google.rpc.Status`), once it did."""
    version: int = 1

    @property
    def done(self) -> bool:
        """Whether it ended, in whatever way."""
        return self.end_time is not None

    def got_on(self, progress: Progress, at: datetime, *, after_s: float = 0.0, **checkpoint: Any) -> Self:
        """Return it one step further; the next step is due in `after_s`."""
        return replace(
            self,
            progress=progress,
            checkpoint={**self.checkpoint, **checkpoint},
            failures=0,
            update_time=at,
            next_time=at + timedelta(seconds=after_s),
            version=self.version + 1,
        )

    def stumbled(self, at: datetime) -> Self:
        """Return it as it is after a step that failed for no reason it declares: later each time, for ever."""
        wait_s = min(BACKOFF_LIMIT_S, BACKOFF_S * 2 ** min(self.failures, 10))
        return replace(self, failures=self.failures + 1, next_time=at + timedelta(seconds=wait_s), version=self.version + 1)

    def ended(self, at: datetime, *, response: bytes = b"", error: bytes = b"", kept: timedelta | None = KEPT) -> Self:
        """Return it as ended, with a response or an error; `kept` None keeps it for good."""
        total = self.progress.total_count
        return replace(
            self,
            progress=Progress("failed" if error else "done", self.progress.done_count if error else total, total),
            response=response,
            error=error,
            update_time=at,
            end_time=at,
            expire_time=at + kept if kept is not None else None,
            version=self.version + 1,
        )


class OperationCancelled(Aborted):
    """The operation was ended before its time; kept as its error, never an answer of an RPC."""

    reason = "OPERATION_CANCELLED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was cancelled.", operation=name)
