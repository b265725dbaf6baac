"""Roles and permissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth.domain import Permission, Role
from services.auth.handlers.roles import CreateRole, UpdateRole
from services.chassis import masks
from services.chassis.errors import invalid_field
from services.chassis.etags import etag_of
from services.chassis.times import timestamp
from trellis.auth.v1 import role_service_pb2 as pb

ROLE_FIELDS = frozenset({"display_name", "description", "permissions"})


def role_to_proto(role: Role) -> pb.Role:
    return pb.Role(
        name=role.name,
        display_name=role.display_name,
        description=role.description,
        permissions=sorted(role.permissions),
        predefined=role.predefined,
        create_time=timestamp(role.create_time),
        update_time=timestamp(role.update_time),
        etag="" if role.predefined else etag_of(role.version),
    )


def permission_to_proto(permission: Permission) -> pb.Permission:
    return pb.Permission(
        name=permission.name, description=permission.description, methods=permission.methods, roles=permission.roles
    )


def new_role(request: pb.CreateRoleRequest) -> CreateRole:
    """Return what is to be made. Raises InvalidArgument."""
    values = _checked({name: getattr(request.role, name) for name in ROLE_FIELDS})
    return CreateRole(request.parent, **values)


def role_changes(request: pb.UpdateRoleRequest) -> UpdateRole:
    """Return what is to change. Raises InvalidArgument."""
    changes = _checked(masks.values(request.role, request.update_mask, ROLE_FIELDS))
    return UpdateRole(request.role.name, changes, request.role.etag)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values as the domain has them. Raises InvalidArgument for what is empty and must not be."""
    for name in ("display_name", "permissions"):
        if name in values and not (values[name].strip() if name == "display_name" else values[name]):
            raise invalid_field(f"role.{name}", "must not be empty.", "required")
    return {name: frozenset(value) if name == "permissions" else value for name, value in values.items()}


ANSWERS: dict[type, Callable[[Any], Message]] = {
    Role: role_to_proto,
}
