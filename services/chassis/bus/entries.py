"""How events lie in Valkey: names of the keys, and an event as the fields of a stream's entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.chassis.bus.bus import Event, package_of

REASON = "reason"
ONLY = "only"


@dataclass(frozen=True, slots=True)
class Entry:
    """An event where it lies in a stream."""

    id: str
    event: Event
    only: str = ""
    """The one subscription a replayed event is for; empty: for all."""


def stream_of(topic: str) -> str:
    """Return the stream of a topic's package."""
    return f"trellis:events:{package_of(topic)}"


def dead_letters_of(subscription: str) -> str:
    """Return the stream of what a subscription gave up."""
    return f"trellis:dead:{subscription}"


def failures_of(subscription: str, stream: str, entry_id: str) -> str:
    """Return the counter of an entry's failures."""
    return f"trellis:failures:{subscription}:{stream}:{entry_id}"


def fields_of(event: Event) -> dict[str, str | bytes]:
    """Return CloudEvents' attributes by their own names."""
    return {
        "id": event.id,
        "source": event.source,
        "type": event.topic,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "traceparent": event.traceparent,
        "data": event.data,
    }


def entry_of(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """Return what an entry holds. Raises KeyError or ValueError if that is no event."""
    event = Event(
        id=fields[b"id"].decode(),
        source=fields[b"source"].decode(),
        topic=fields[b"type"].decode(),
        subject=fields[b"subject"].decode(),
        time=datetime.fromisoformat(fields[b"time"].decode()),
        data=fields[b"data"],
        traceparent=fields[b"traceparent"].decode(),
    )
    return Entry(entry_id.decode(), event, fields.get(ONLY.encode(), b"").decode())


def milliseconds_of(entry_id: Any) -> int:
    """Return when an entry came: Valkey's clock, the first half of its id."""
    return int(bytes(entry_id).partition(b"-")[0])
