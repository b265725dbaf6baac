"""Times between the domain (aware datetimes) and the contract (timestamps)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload

from google.protobuf.timestamp_pb2 import Timestamp


@overload
def timestamp(time: datetime) -> Timestamp: ...
@overload
def timestamp(time: None) -> None: ...
def timestamp(time: datetime | None) -> Timestamp | None:
    """Return the contract's form of a time; none stays none."""
    if time is None:
        return None
    seconds = Timestamp()
    seconds.FromDatetime(time)
    return seconds


def time_of(stamp: Timestamp) -> datetime:
    """Return the domain's form of a timestamp."""
    return stamp.ToDatetime(tzinfo=UTC)
