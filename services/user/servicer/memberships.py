"""`trellis.user.v1.MembershipService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis import principal
from services.chassis.lists import Lists
from services.user import convert
from services.user.handlers import MembershipHandlers
from services.user.handlers.memberships import CreateMembership, UpdateMembership
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


MEMBERSHIP_FIELDS = frozenset({"role", "attributes"})


class MembershipServicer(base.MembershipServiceServicer):
    """`trellis.user.v1.MembershipService`."""

    def __init__(self, handlers: MembershipHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def CreateMembership(self, request: rpc.CreateMembershipRequest, context: Context) -> pb.Membership:
        membership = request.membership
        role, user = convert.role_from_proto(membership.role), convert.user_of(membership, "membership")
        new = CreateMembership(request.parent, user, role, convert.attributes_from_proto(membership.attributes))
        return convert.membership_to_proto(await self._handlers.create_membership(new, principal.current()))

    async def GetMembership(self, request: rpc.GetMembershipRequest, context: Context) -> pb.Membership:
        return convert.membership_to_proto(await self._handlers.get_membership(request.name))

    async def ListMemberships(self, request: rpc.ListMembershipsRequest, context: Context) -> rpc.ListMembershipsResponse:
        rows = await self._handlers.list_memberships(request.parent, self._lists.query(request))
        return rpc.ListMembershipsResponse(
            memberships=map(convert.membership_to_proto, rows.items),
            next_page_token=self._lists.token(request, rows.next),
        )

    async def UpdateMembership(self, request: rpc.UpdateMembershipRequest, context: Context) -> pb.Membership:
        membership = request.membership
        values = convert.changes(membership, request.update_mask, MEMBERSHIP_FIELDS)
        role = convert.role_from_proto(values["role"]) if "role" in values else None
        attributes = convert.attributes_from_proto(values["attributes"]) if "attributes" in values else None
        change = UpdateMembership(membership.name, role, membership.etag, attributes)
        return convert.membership_to_proto(await self._handlers.update_membership(change, principal.current()))

    async def DeleteMembership(self, request: rpc.DeleteMembershipRequest, context: Context) -> pb.Membership:
        ended = await self._handlers.delete_membership(request.name, request.etag, principal.current())
        return convert.membership_to_proto(ended)

    async def LeaveOrganization(self, request: rpc.LeaveOrganizationRequest, context: Context) -> pb.Membership:
        left = await self._handlers.leave_organization(request.name, principal.current())
        return convert.membership_to_proto(left)

    async def ResolveMembership(self, request: rpc.ResolveMembershipRequest, context: Context) -> pb.Membership:
        return convert.membership_to_proto(await self._handlers.resolve_membership(request.organization, request.user))
