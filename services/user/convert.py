"""proto ↔ domain, pure: no defaults, no decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

from google.protobuf.message import Message
from trellis.auth.v1 import events_pb2 as auth_events
from trellis.auth.v1 import resources_pb2 as auth
from trellis.user.v1 import resources_pb2 as pb

from services.chassis.etags import etag_of
from services.user.domain import Membership, Organization, Role, User


def user_to_proto(user: User) -> pb.User:
    return pb.User(
        name=user.name,
        email=user.email,
        display_name=user.display_name,
        language_code=user.language_code,
        time_zone=user.time_zone,
        create_time=user.create_time,
        update_time=user.update_time,
        etag=etag_of(user.version),
    )


def organization_to_proto(organization: Organization) -> pb.Organization:
    deleted = organization.delete_time is not None
    return pb.Organization(
        name=organization.name,
        display_name=organization.display_name,
        state=pb.Organization.STATE_DELETED if deleted else pb.Organization.STATE_ACTIVE,
        create_time=organization.create_time,
        update_time=organization.update_time,
        delete_time=organization.delete_time,
        purge_time=organization.purge_time,
        etag=etag_of(organization.version),
    )


def membership_to_proto(membership: Membership) -> pb.Membership:
    return pb.Membership(
        name=membership.name,
        user=membership.user,
        role=pb.Role.ValueType(membership.role),
        create_time=membership.create_time,
        update_time=membership.update_time,
        etag=etag_of(membership.version),
    )


def role_from_proto(role: pb.Role.ValueType) -> Role:
    return Role(role)


def user_from_account(account: auth.Account | auth_events.AccountCreated) -> User:
    create_time = account.create_time.ToDatetime(tzinfo=UTC)
    return User(account.user, account.email, account.display_name, create_time, create_time)


def answer_to_proto(answer: Any) -> Message:
    """Return the message that answers with a domain object: what a repeated request is answered with."""
    return _ANSWERS[type(answer)](answer)


_ANSWERS: dict[type, Callable[[Any], Message]] = {
    User: user_to_proto,
    Organization: organization_to_proto,
    Membership: membership_to_proto,
}
