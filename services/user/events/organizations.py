"""Events of organizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user import domain
from trellis.user.v1 import events_pb2 as pb


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


def _organization_purged(event: domain.OrganizationPurged) -> Message:
    return pb.OrganizationPurged(organization=event.organization, purge_time=timestamp(event.purge_time))


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.OrganizationCreated: _organization_created,
    domain.OrganizationUpdated: _organization_updated,
    domain.OrganizationDeletedEvent: _organization_deleted,
    domain.OrganizationPurged: _organization_purged,
    domain.OrganizationUndeleted: _organization_undeleted,
}
