"""proto ↔ domain, pure: no defaults, no decisions."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from services.chassis import masks
from services.chassis.errors import invalid_field
from services.chassis.etags import etag_of
from services.chassis.times import time_of, timestamp
from services.user.domain import Membership, Organization, Role, User
from trellis.auth.v1 import events_pb2 as auth_events
from trellis.auth.v1 import resources_pb2 as auth
from trellis.user.v1 import resources_pb2 as pb


def user_to_proto(user: User) -> pb.User:
    return pb.User(
        name=user.name,
        email=user.email,
        display_name=user.display_name,
        language_code=user.language_code,
        time_zone=user.time_zone,
        create_time=timestamp(user.create_time),
        update_time=timestamp(user.update_time),
        etag=etag_of(user.version),
    )


def organization_to_proto(organization: Organization) -> pb.Organization:
    deleted = organization.delete_time is not None
    return pb.Organization(
        name=organization.name,
        display_name=organization.display_name,
        state=pb.Organization.STATE_DELETED if deleted else pb.Organization.STATE_ACTIVE,
        create_time=timestamp(organization.create_time),
        update_time=timestamp(organization.update_time),
        delete_time=timestamp(organization.delete_time),
        purge_time=timestamp(organization.purge_time),
        etag=etag_of(organization.version),
    )


def membership_to_proto(membership: Membership) -> pb.Membership:
    return pb.Membership(
        name=membership.name,
        user=membership.user,
        role=pb.Role.ValueType(membership.role),
        create_time=timestamp(membership.create_time),
        update_time=timestamp(membership.update_time),
        etag=etag_of(membership.version),
    )


def role_from_proto(role: pb.Role.ValueType) -> Role:
    """Return the role. Raises InvalidArgument where none is said."""
    if role == pb.ROLE_UNSPECIFIED:
        raise invalid_field("membership.role", "must be ROLE_OWNER, ROLE_ADMIN or ROLE_MEMBER.", "required")
    return Role(role)


def display_name_of(resource: pb.User | pb.Organization) -> str:
    """Return the name to show. Raises InvalidArgument for an empty one."""
    if not resource.display_name.strip():
        raise invalid_field("display_name", "must not be empty.", "required")
    return resource.display_name


def user_of(membership: pb.Membership) -> str:
    """Return who becomes a member. Raises InvalidArgument where nobody is said."""
    if not membership.user:
        raise invalid_field("membership.user", "must name a user.", "required")
    return membership.user


def changes(resource: Message, mask: FieldMask, writable: Collection[str]) -> dict[str, str]:
    """Return the new values by field. Raises InvalidArgument."""
    values = masks.values(resource, mask, writable)
    if "display_name" in values and not values["display_name"].strip():
        raise invalid_field("display_name", "must not be empty.", "required")
    return values


def user_from_account(account: auth.Account | auth_events.AccountCreated) -> User:
    create_time = time_of(account.create_time)
    return User(account.user, account.email, account.display_name, create_time, create_time)


def answer_to_proto(answer: Any) -> Message:
    """Return the message that answers with a domain object: what a repeated request is answered with."""
    return _ANSWERS[type(answer)](answer)


_ANSWERS: dict[type, Callable[[Any], Message]] = {
    User: user_to_proto,
    Organization: organization_to_proto,
    Membership: membership_to_proto,
}
