"""Events of preferences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user import domain
from trellis.user.v1 import events_pb2 as pb


def _preferences_updated(event: domain.PreferencesUpdated) -> Message:
    return pb.PreferencesUpdated(
        preferences=event.preferences, fields=event.fields, update_time=timestamp(event.update_time)
    )


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.PreferencesUpdated: _preferences_updated,
}
