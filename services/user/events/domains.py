"""Events of domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user import domain
from trellis.user.v1 import events_pb2 as pb


def _domain_created(event: domain.DomainCreated) -> Message:
    return pb.DomainCreated(domain=event.domain, organization=event.organization, create_time=timestamp(event.create_time))


def _domain_verified(event: domain.DomainVerified) -> Message:
    return pb.DomainVerified(domain=event.domain, organization=event.organization, update_time=timestamp(event.update_time))


def _domain_updated(event: domain.DomainUpdated) -> Message:
    return pb.DomainUpdated(
        domain=event.domain,
        organization=event.organization,
        fields=event.fields,
        update_time=timestamp(event.update_time),
    )


def _domain_lost(event: domain.DomainLost) -> Message:
    return pb.DomainLost(domain=event.domain, organization=event.organization, update_time=timestamp(event.update_time))


def _domain_deleted(event: domain.DomainDeleted) -> Message:
    return pb.DomainDeleted(domain=event.domain, organization=event.organization, delete_time=timestamp(event.delete_time))


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.DomainCreated: _domain_created,
    domain.DomainVerified: _domain_verified,
    domain.DomainUpdated: _domain_updated,
    domain.DomainLost: _domain_lost,
    domain.DomainDeleted: _domain_deleted,
}
