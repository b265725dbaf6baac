"""Organizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.etags import etag_of
from services.chassis.times import timestamp
from services.user.domain import Organization
from trellis.user.v1 import resources_pb2 as pb


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


ANSWERS: dict[type, Callable[[Any], Message]] = {
    Organization: organization_to_proto,
}
