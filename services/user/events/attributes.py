"""Events of custom attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user import domain
from trellis.user.v1 import events_pb2 as pb


def _attribute_schema_updated(event: domain.AttributeSchemaUpdated) -> Message:
    return pb.AttributeSchemaUpdated(organization=event.organization, update_time=timestamp(event.update_time))


def _membership_attributes_updated(event: domain.MembershipAttributesUpdated) -> Message:
    return pb.MembershipAttributesUpdated(
        membership=event.membership, organization=event.organization, update_time=timestamp(event.update_time)
    )


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.AttributeSchemaUpdated: _attribute_schema_updated,
    domain.MembershipAttributesUpdated: _membership_attributes_updated,
}
