"""Events of role bindings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth import domain
from services.chassis.times import timestamp
from trellis.auth.v1 import events_pb2 as pb


def _role_binding_created(event: domain.RoleBindingCreated) -> Message:
    return pb.RoleBindingCreated(
        role_binding=event.role_binding,
        organization=event.organization,
        role=event.role,
        subject=event.subject,
        resource=event.resource,
        create_time=timestamp(event.create_time),
    )


def _role_binding_deleted(event: domain.RoleBindingDeleted) -> Message:
    return pb.RoleBindingDeleted(
        role_binding=event.role_binding,
        organization=event.organization,
        role=event.role,
        subject=event.subject,
        resource=event.resource,
        delete_time=timestamp(event.delete_time),
    )


def _team_access_changed(event: domain.TeamAccessChanged) -> Message:
    return pb.TeamAccessChanged(organization=event.organization, team=event.team, update_time=timestamp(event.update_time))


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.RoleBindingCreated: _role_binding_created,
    domain.RoleBindingDeleted: _role_binding_deleted,
    domain.TeamAccessChanged: _team_access_changed,
}
