"""Fields that several resources have."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from services.chassis import masks
from services.chassis.errors import invalid_field
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import team_service_pb2 as team


def display_name_of(resource: pb.User | pb.Organization | team.Team) -> str:
    """Return the name to show. Raises InvalidArgument for an empty one."""
    if not resource.display_name.strip():
        raise invalid_field("display_name", "must not be empty.", "required")
    return resource.display_name


def changes(resource: Message, mask: FieldMask, writable: Collection[str]) -> dict[str, Any]:
    """Return the new values by field. Raises InvalidArgument."""
    values = masks.values(resource, mask, writable)
    if "display_name" in values and not values["display_name"].strip():
        raise invalid_field("display_name", "must not be empty.", "required")
    return values


def user_of(resource: pb.Membership | team.TeamMember, field: str) -> str:
    """Return who is taken in by the resource in `field`. Raises InvalidArgument where nobody is said."""
    if not resource.user:
        raise invalid_field(f"{field}.user", "must name a user.", "required")
    return resource.user
