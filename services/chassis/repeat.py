"""What makes a mutation or an event safe to repeat, carried from the edge of the process to its unit of work.

The RPC chain (or the event consumer) says under which identity work is done; `db/session.py` claims that identity in the
transaction of the effect, so that the record and the effect exist together or not at all.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One mutation, told apart by caller, method and request_id (AIP-155)."""

    key: bytes = b""
    """MAC over caller, method and request_id. Empty: not repeatable, the client sent no request_id."""
    fingerprint: bytes = b""
    """MAC over the whole request: another body under the same key is refused."""
    validate_only: bool = False
    """Roll back instead of committing (AIP-163)."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery to one subscription: of an event, or of several that take effect together."""

    subscription: str
    event_ids: tuple[str, ...]


NOT_REPEATABLE = Request()
current: ContextVar[Request | Delivery] = ContextVar("repeat", default=NOT_REPEATABLE)


class AlreadyDone(Exception):
    """The work was done before, or part of it. `answer` is the serialized first answer of a request, empty for events."""

    def __init__(self, answer: bytes = b"") -> None:
        super().__init__("done before")
        self.answer = answer
