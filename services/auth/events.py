"""Domain events as the contract announces them: topic, subject and payload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth import domain
from services.chassis.db.session import Announcement
from services.chassis.times import timestamp
from trellis.auth.v1 import events_pb2 as pb
from trellis.policies import EVENTS


def announcement(event: Any) -> Announcement:
    """Return an event as it is published."""
    message = _MESSAGES[type(event)](event)
    topic, key = EVENTS[message.DESCRIPTOR.full_name]
    return Announcement(topic, getattr(message, key), message.SerializeToString())


def _account_created(event: domain.AccountCreated) -> Message:
    return pb.AccountCreated(
        user=event.user,
        email=event.email,
        display_name=event.display_name,
        create_time=timestamp(event.create_time),
    )


def _verification_requested(event: domain.VerificationRequested) -> Message:
    return pb.VerificationRequested(sign_up=f"signUps/{event.sign_up}")


def _sign_up_repeated(event: domain.SignUpRepeated) -> Message:
    return pb.SignUpRepeated(user=event.user)


def _session_created(event: domain.SessionCreated) -> Message:
    return pb.SessionCreated(session=event.session, create_time=timestamp(event.create_time))


def _session_revoked(event: domain.SessionRevoked) -> Message:
    return pb.SessionRevoked(
        session=event.session,
        revoke_time=timestamp(event.revoke_time),
        cause=pb.SessionRevoked.Cause.ValueType(event.cause),
    )


_MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.AccountCreated: _account_created,
    domain.VerificationRequested: _verification_requested,
    domain.SignUpRepeated: _sign_up_repeated,
    domain.SessionCreated: _session_created,
    domain.SessionRevoked: _session_revoked,
}
