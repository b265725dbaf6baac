"""Events of memberships."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user import domain
from trellis.user.v1 import events_pb2 as pb
from trellis.user.v1 import resources_pb2 as resources


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


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.MembershipCreated: _membership_created,
    domain.MembershipUpdated: _membership_updated,
    domain.MembershipDeleted: _membership_deleted,
}
