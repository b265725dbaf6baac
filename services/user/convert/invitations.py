"""Invitations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user.domain import Invitation, InvitationPreview
from trellis.user.v1 import invitation_service_pb2 as pb
from trellis.user.v1 import resources_pb2 as resources


def invitation_to_proto(invitation: Invitation) -> pb.Invitation:
    return pb.Invitation(
        name=invitation.name,
        email=invitation.email,
        role=resources.Role.ValueType(invitation.role),
        state=pb.Invitation.State.ValueType(invitation.state),
        inviter=invitation.inviter,
        user=invitation.user,
        create_time=timestamp(invitation.create_time),
        update_time=timestamp(invitation.update_time),
        expire_time=timestamp(invitation.expire_time),
    )


def preview_to_proto(preview: InvitationPreview) -> pb.InvitationPreview:
    return pb.InvitationPreview(
        organization_display_name=preview.organization.display_name,
        role=resources.Role.ValueType(preview.invitation.role),
        state=pb.Invitation.State.ValueType(preview.invitation.state),
        expire_time=timestamp(preview.invitation.expire_time),
    )


ANSWERS: dict[type, Callable[[Any], Message]] = {
    Invitation: invitation_to_proto,
    InvitationPreview: preview_to_proto,
}
