"""Events of exports and erasures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user import domain
from trellis.user.v1 import events_pb2 as pb


def _requested(event: domain.PersonalDataRequested) -> Message:
    return pb.PersonalDataRequested(
        user=event.user,
        operation=event.operation,
        answer_key=event.answer_key,
        request_time=timestamp(event.request_time),
    )


def _erasure_requested(event: domain.PersonalDataErasureRequested) -> Message:
    return pb.PersonalDataErasureRequested(
        user=event.user, operation=event.operation, request_time=timestamp(event.request_time)
    )


def _user_erased(event: domain.UserErased) -> Message:
    return pb.UserErased(user=event.user, operation=event.operation, erase_time=timestamp(event.erase_time))


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.PersonalDataErasureRequested: _erasure_requested,
    domain.PersonalDataRequested: _requested,
    domain.UserErased: _user_erased,
}
