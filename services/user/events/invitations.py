"""Events of invitations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user import domain
from trellis.user.v1 import events_pb2 as pb
from trellis.user.v1 import resources_pb2 as resources


def _invitation_created(event: domain.InvitationCreated) -> Message:
    return pb.InvitationCreated(
        invitation=event.invitation,
        organization=event.organization,
        role=resources.Role.ValueType(event.role),
        inviter=event.inviter,
        create_time=timestamp(event.create_time),
        expire_time=timestamp(event.expire_time),
    )


def _invitation_resent(event: domain.InvitationResent) -> Message:
    return pb.InvitationResent(
        invitation=event.invitation,
        organization=event.organization,
        update_time=timestamp(event.update_time),
        expire_time=timestamp(event.expire_time),
    )


def _invitation_accepted(event: domain.InvitationAccepted) -> Message:
    return pb.InvitationAccepted(
        invitation=event.invitation,
        organization=event.organization,
        user=event.user,
        update_time=timestamp(event.update_time),
    )


def _invitation_declined(event: domain.InvitationDeclined) -> Message:
    return pb.InvitationDeclined(
        invitation=event.invitation, organization=event.organization, update_time=timestamp(event.update_time)
    )


def _invitation_revoked(event: domain.InvitationRevoked) -> Message:
    return pb.InvitationRevoked(
        invitation=event.invitation, organization=event.organization, update_time=timestamp(event.update_time)
    )


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.InvitationCreated: _invitation_created,
    domain.InvitationResent: _invitation_resent,
    domain.InvitationAccepted: _invitation_accepted,
    domain.InvitationDeclined: _invitation_declined,
    domain.InvitationRevoked: _invitation_revoked,
}
