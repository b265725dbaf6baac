"""The event port. At least once on the wire, in order per subject; once in effect by the consumers' inbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """A CloudEvent (cloudevents.io, 1.0.2): attributes and a protobuf payload."""

    id: str
    source: str
    """The publishing service, `services/auth`."""
    topic: str
    """CloudEvents' `type`, for example `auth.v1.account_created`."""
    subject: str
    """Name of the resource it is about; events of one subject keep their order."""
    time: datetime
    data: bytes
    traceparent: str = ""


Handle = Callable[[Event], Awaitable[None]]
HandleMany = Callable[[Sequence[Event]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A durable position in the topics one consumer reads."""

    name: str
    topics: tuple[str, ...]
    handle: Handle
    """Raises to have the event again later."""
    handle_many: HandleMany | None = None
    """Takes what arrived together, as one effect. Raises to have each of the events by itself at once: one may be bad."""
    max_deliveries: int = 8
    """After so many failures the event goes to the dead letters."""
    backoff_s: float = 0.5
    """Wait after the first failure of an event; doubles with each."""
    backoff_limit_s: float = 60.0

    def wait_s(self, failures: int) -> float:
        """Return how long an event rests after so many failures, one or more."""
        return float(min(self.backoff_limit_s, self.backoff_s * 2 ** (failures - 1)))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was given up, and why."""

    id: str
    """Its place among the dead letters."""
    event: Event
    reason: str


class EventBus(Protocol):
    """Publishes events and delivers them to subscriptions."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Hand the events over, in order; when this returns they are durable.

        Raises OSError while the bus is away: some of the events may have arrived then, so publish all of them again.
        """
        ...

    async def consume(self, subscription: Subscription) -> None:
        """Deliver until cancelled; an event in hand is finished first, for as long as a drain may take.

        An event that fails comes again, later each time. Until then the later events of its subject wait, and no others.
        One consumer per subscription at a time; the caller sees to that.
        """
        ...

    async def dead_letters(self, subscription: str) -> list[DeadLetter]:
        """Return what the subscription gave up, oldest first."""
        ...

    async def replay(self, subscription: str) -> int:
        """Deliver the dead letters again, to this subscription alone, and return how many; a second replay finds none."""
        ...


def package_of(topic: str) -> str:
    """Return the publishing package of a topic: `auth.v1.account_created` → `auth.v1`."""
    return topic.rpartition(".")[0]
