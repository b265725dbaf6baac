"""Memberships."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.errors import invalid_field
from services.chassis.etags import etag_of
from services.chassis.times import timestamp
from services.user.convert.attributes import attributes_to_proto
from services.user.domain import Membership, Role
from trellis.user.v1 import resources_pb2 as pb


def membership_to_proto(membership: Membership) -> pb.Membership:
    return pb.Membership(
        name=membership.name,
        user=membership.user,
        role=pb.Role.ValueType(membership.role),
        create_time=timestamp(membership.create_time),
        update_time=timestamp(membership.update_time),
        etag=etag_of(membership.version),
        attributes=attributes_to_proto(membership.attributes) if membership.attributes else None,
        teams=membership.teams,
    )


def role_from_proto(role: pb.Role.ValueType, field: str = "membership.role") -> Role:
    """Return the role. Raises InvalidArgument where none is said."""
    if role == pb.ROLE_UNSPECIFIED:
        raise invalid_field(field, "must be ROLE_OWNER, ROLE_ADMIN or ROLE_MEMBER.", "required")
    return Role(role)


ANSWERS: dict[type, Callable[[Any], Message]] = {
    Membership: membership_to_proto,
}
