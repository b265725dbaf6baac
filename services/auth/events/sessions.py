"""Events of sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth import domain
from services.chassis.times import timestamp
from trellis.auth.v1 import events_pb2 as pb


def _session_created(event: domain.SessionCreated) -> Message:
    return pb.SessionCreated(session=event.session, create_time=timestamp(event.create_time))


def _session_revoked(event: domain.SessionRevoked) -> Message:
    return pb.SessionRevoked(
        session=event.session,
        revoke_time=timestamp(event.revoke_time),
        cause=pb.SessionRevoked.Cause.ValueType(event.cause),
    )


def _sessions_revoked(event: domain.SessionsRevoked) -> Message:
    return pb.SessionsRevoked(user=event.user, kept_session=event.kept_session, revoke_time=timestamp(event.revoke_time))


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.SessionCreated: _session_created,
    domain.SessionRevoked: _session_revoked,
    domain.SessionsRevoked: _sessions_revoked,
}
