"""`trellis.user.v1.InvitationService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis import principal
from services.chassis.lists import Lists
from services.user import convert
from services.user.handlers import InvitationHandlers
from services.user.handlers.invitations import CreateInvitation
from trellis.user.v1 import invitation_service_pb2 as rpc
from trellis.user.v1 import invitation_service_pb2_grpc as base
from trellis.user.v1 import resources_pb2 as pb

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class InvitationServicer(base.InvitationServiceServicer):
    """`trellis.user.v1.InvitationService`."""

    def __init__(self, handlers: InvitationHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def CreateInvitation(self, request: rpc.CreateInvitationRequest, context: Context) -> rpc.Invitation:
        role = convert.role_from_proto(request.invitation.role, "invitation.role")
        new = CreateInvitation(request.parent, request.invitation.email, role)
        return convert.invitation_to_proto(await self._handlers.create_invitation(new, principal.current()))

    async def GetInvitation(self, request: rpc.GetInvitationRequest, context: Context) -> rpc.Invitation:
        return convert.invitation_to_proto(await self._handlers.get_invitation(request.name))

    async def ListInvitations(self, request: rpc.ListInvitationsRequest, context: Context) -> rpc.ListInvitationsResponse:
        rows = await self._handlers.list_invitations(request.parent, self._lists.query(request))
        return rpc.ListInvitationsResponse(
            invitations=map(convert.invitation_to_proto, rows.items),
            next_page_token=self._lists.token(request, rows.next),
        )

    async def ResendInvitation(self, request: rpc.ResendInvitationRequest, context: Context) -> rpc.Invitation:
        return convert.invitation_to_proto(await self._handlers.resend_invitation(request.name, principal.current()))

    async def RevokeInvitation(self, request: rpc.RevokeInvitationRequest, context: Context) -> rpc.Invitation:
        return convert.invitation_to_proto(await self._handlers.revoke_invitation(request.name, principal.current()))

    async def PreviewInvitation(self, request: rpc.PreviewInvitationRequest, context: Context) -> rpc.InvitationPreview:
        return convert.preview_to_proto(await self._handlers.preview_invitation(request.token))

    async def AcceptInvitation(self, request: rpc.AcceptInvitationRequest, context: Context) -> pb.Membership:
        return convert.membership_to_proto(await self._handlers.accept_invitation(request.token, principal.current()))

    async def DeclineInvitation(self, request: rpc.DeclineInvitationRequest, context: Context) -> rpc.InvitationPreview:
        return convert.preview_to_proto(await self._handlers.decline_invitation(request.token))
