"""Events of roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth import domain
from services.chassis.times import timestamp
from trellis.auth.v1 import events_pb2 as pb


def _role_created(event: domain.RoleCreated) -> Message:
    return pb.RoleCreated(role=event.role, organization=event.organization, create_time=timestamp(event.create_time))


def _role_updated(event: domain.RoleUpdated) -> Message:
    return pb.RoleUpdated(
        role=event.role,
        organization=event.organization,
        fields=event.fields,
        update_time=timestamp(event.update_time),
    )


def _role_deleted(event: domain.RoleDeleted) -> Message:
    return pb.RoleDeleted(role=event.role, organization=event.organization, delete_time=timestamp(event.delete_time))


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.RoleCreated: _role_created,
    domain.RoleUpdated: _role_updated,
    domain.RoleDeleted: _role_deleted,
}
