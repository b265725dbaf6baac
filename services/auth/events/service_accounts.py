"""Events of service accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth import domain
from services.chassis.times import timestamp
from trellis.auth.v1 import events_pb2 as pb


def _created(event: domain.ServiceAccountCreated) -> Message:
    return pb.ServiceAccountCreated(
        service_account=event.service_account,
        organization=event.organization,
        role=event.role,
        create_time=timestamp(event.create_time),
    )


def _updated(event: domain.ServiceAccountUpdated) -> Message:
    return pb.ServiceAccountUpdated(
        service_account=event.service_account,
        organization=event.organization,
        role=event.role,
        update_time=timestamp(event.update_time),
    )


def _disabled(event: domain.ServiceAccountDisabled) -> Message:
    return pb.ServiceAccountDisabled(
        service_account=event.service_account,
        organization=event.organization,
        update_time=timestamp(event.update_time),
    )


def _enabled(event: domain.ServiceAccountEnabled) -> Message:
    return pb.ServiceAccountEnabled(
        service_account=event.service_account,
        organization=event.organization,
        update_time=timestamp(event.update_time),
    )


def _deleted(event: domain.ServiceAccountDeleted) -> Message:
    return pb.ServiceAccountDeleted(
        service_account=event.service_account,
        organization=event.organization,
        delete_time=timestamp(event.delete_time),
    )


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.ServiceAccountCreated: _created,
    domain.ServiceAccountUpdated: _updated,
    domain.ServiceAccountDisabled: _disabled,
    domain.ServiceAccountEnabled: _enabled,
    domain.ServiceAccountDeleted: _deleted,
}
