"""Role bindings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from services.auth.domain import RoleBinding
from services.auth.handlers.role_bindings import CreateRoleBinding
from services.chassis.errors import invalid_field
from services.chassis.times import time_of, timestamp
from trellis.auth.v1 import role_binding_service_pb2 as pb


def role_binding_to_proto(binding: RoleBinding) -> pb.RoleBinding:
    return pb.RoleBinding(
        name=binding.name,
        role=binding.role,
        subject=binding.subject,
        resource=binding.resource,
        expire_time=timestamp(binding.expire_time),
        creator=binding.creator,
        create_time=timestamp(binding.create_time),
    )


def new_role_binding(request: pb.CreateRoleBindingRequest) -> CreateRoleBinding:
    """Return what is to be made. Raises InvalidArgument."""
    binding = request.role_binding
    return CreateRoleBinding(request.parent, binding.role, binding.subject, binding.resource, _expire_time(binding))


def _expire_time(binding: pb.RoleBinding) -> datetime | None:
    """Raises InvalidArgument for a time that no calendar has."""
    try:
        return time_of(binding.expire_time) if binding.HasField("expire_time") else None
    except (ValueError, OverflowError):
        raise invalid_field("role_binding.expire_time", "must be a time of years 1 to 9999.", "timestamp") from None


ANSWERS: dict[type, Callable[[Any], Message]] = {
    RoleBinding: role_binding_to_proto,
}
