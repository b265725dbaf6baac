"""Events of accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth import domain
from services.chassis.times import timestamp
from trellis.auth.v1 import events_pb2 as pb


def _account_created(event: domain.AccountCreated) -> Message:
    return pb.AccountCreated(
        user=event.user,
        email=event.email,
        display_name=event.display_name,
        create_time=timestamp(event.create_time),
    )


def _restore_requested(event: domain.RestoreRequested) -> Message:
    return pb.RestoreRequested(user=event.user)


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.AccountCreated: _account_created,
    domain.RestoreRequested: _restore_requested,
}
