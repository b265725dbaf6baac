"""Events of API keys. No secret travels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth import domain
from services.chassis.times import timestamp
from trellis.auth.v1 import events_pb2 as pb


def _created(event: domain.ApiKeyCreated) -> Message:
    return pb.ApiKeyCreated(
        api_key=event.api_key,
        organization=event.organization,
        subject=event.subject,
        scopes=event.scopes,
        create_time=timestamp(event.create_time),
    )


def _updated(event: domain.ApiKeyUpdated) -> Message:
    return pb.ApiKeyUpdated(
        api_key=event.api_key,
        organization=event.organization,
        subject=event.subject,
        scopes=event.scopes,
        update_time=timestamp(event.update_time),
    )


def _rotated(event: domain.ApiKeyRotated) -> Message:
    return pb.ApiKeyRotated(
        api_key=event.api_key,
        organization=event.organization,
        subject=event.subject,
        overlap_end_time=timestamp(event.overlap_end_time),
        update_time=timestamp(event.update_time),
    )


def _revoked(event: domain.ApiKeyRevoked) -> Message:
    return pb.ApiKeyRevoked(
        api_key=event.api_key,
        organization=event.organization,
        subject=event.subject,
        revoke_time=timestamp(event.revoke_time),
    )


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.ApiKeyCreated: _created,
    domain.ApiKeyUpdated: _updated,
    domain.ApiKeyRotated: _rotated,
    domain.ApiKeyRevoked: _revoked,
}
