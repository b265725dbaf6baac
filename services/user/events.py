"""Domain events as the contract announces them: topic, subject and payload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.db.session import Announcement
from services.chassis.times import timestamp
from services.user import domain
from trellis.policies import EVENTS
from trellis.user.v1 import events_pb2 as pb
from trellis.user.v1 import resources_pb2 as resources


def announcement(event: Any) -> Announcement:
    """Return an event as it is published."""
    message = _MESSAGES[type(event)](event)
    topic, key = EVENTS[message.DESCRIPTOR.full_name]
    return Announcement(topic, getattr(message, key), message.SerializeToString())


def _user_updated(event: domain.UserUpdated) -> Message:
    return pb.UserUpdated(user=event.user, fields=event.fields, update_time=timestamp(event.update_time))


def _organization_created(event: domain.OrganizationCreated) -> Message:
    return pb.OrganizationCreated(
        organization=event.organization, owner=event.owner, create_time=timestamp(event.create_time)
    )


def _organization_updated(event: domain.OrganizationUpdated) -> Message:
    return pb.OrganizationUpdated(
        organization=event.organization, fields=event.fields, update_time=timestamp(event.update_time)
    )


def _organization_deleted(event: domain.OrganizationDeletedEvent) -> Message:
    return pb.OrganizationDeleted(
        organization=event.organization, delete_time=timestamp(event.delete_time), purge_time=timestamp(event.purge_time)
    )


def _organization_undeleted(event: domain.OrganizationUndeleted) -> Message:
    return pb.OrganizationUndeleted(organization=event.organization, update_time=timestamp(event.update_time))


def _membership_created(event: domain.MembershipCreated) -> Message:
    return pb.MembershipCreated(
        membership=event.membership,
        organization=event.organization,
        user=event.user,
        role=resources.Role.ValueType(event.role),
        create_time=timestamp(event.create_time),
    )


def _membership_updated(event: domain.MembershipUpdated) -> Message:
    return pb.MembershipUpdated(
        membership=event.membership,
        organization=event.organization,
        user=event.user,
        role=resources.Role.ValueType(event.role),
        update_time=timestamp(event.update_time),
    )


def _membership_deleted(event: domain.MembershipDeleted) -> Message:
    return pb.MembershipDeleted(
        membership=event.membership,
        organization=event.organization,
        user=event.user,
        delete_time=timestamp(event.delete_time),
    )


_MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.UserUpdated: _user_updated,
    domain.OrganizationCreated: _organization_created,
    domain.OrganizationUpdated: _organization_updated,
    domain.OrganizationDeletedEvent: _organization_deleted,
    domain.OrganizationUndeleted: _organization_undeleted,
    domain.MembershipCreated: _membership_created,
    domain.MembershipUpdated: _membership_updated,
    domain.MembershipDeleted: _membership_deleted,
}
