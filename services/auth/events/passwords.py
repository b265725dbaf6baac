"""Events of passwords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth import domain
from services.chassis.times import timestamp
from trellis.auth.v1 import events_pb2 as pb


def _reset_requested(event: domain.PasswordResetRequested) -> Message:
    return pb.PasswordResetRequested(reset=f"passwordResets/{event.reset}", user=event.user)


def _changed(event: domain.PasswordChanged) -> Message:
    return pb.PasswordChanged(user=event.user, kept_session=event.kept_session, change_time=timestamp(event.change_time))


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.PasswordResetRequested: _reset_requested,
    domain.PasswordChanged: _changed,
}
