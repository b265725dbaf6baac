"""The gRPC edge of the user service: unpack, delegate, pack. No decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis import principal
from services.chassis.lists import Lists
from services.user import convert
from services.user.handlers import MembershipHandlers, OrganizationHandlers, UserHandlers
from services.user.handlers.memberships import CreateMembership, UpdateMembership
from services.user.handlers.organizations import UpdateOrganization
from services.user.handlers.users import UpdateUser
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

USER_FIELDS = frozenset({"display_name", "language_code", "time_zone"})
ORGANIZATION_FIELDS = frozenset({"display_name"})
MEMBERSHIP_FIELDS = frozenset({"role"})


class UserServicer(base.UserServiceServicer):
    """`trellis.user.v1.UserService`."""

    def __init__(self, handlers: UserHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def GetUser(self, request: rpc.GetUserRequest, context: Context) -> pb.User:
        return convert.user_to_proto(await self._handlers.get_user(request.name, principal.current()))

    async def BatchGetUsers(self, request: rpc.BatchGetUsersRequest, context: Context) -> rpc.BatchGetUsersResponse:
        users = await self._handlers.batch_get_users(request.names, principal.current())
        return rpc.BatchGetUsersResponse(users=map(convert.user_to_proto, users))

    async def ListUsers(self, request: rpc.ListUsersRequest, context: Context) -> rpc.ListUsersResponse:
        rows = await self._handlers.list_users(request.parent, self._lists.query(request))
        return rpc.ListUsersResponse(
            users=map(convert.user_to_proto, rows.items), next_page_token=self._lists.token(request, rows.next)
        )

    async def UpdateUser(self, request: rpc.UpdateUserRequest, context: Context) -> pb.User:
        values = convert.changes(request.user, request.update_mask, USER_FIELDS)
        change = UpdateUser(request.user.name, values, request.user.etag)
        return convert.user_to_proto(await self._handlers.update_user(change, principal.current()))


class OrganizationServicer(base.OrganizationServiceServicer):
    """`trellis.user.v1.OrganizationService`."""

    def __init__(self, handlers: OrganizationHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def CreateOrganization(self, request: rpc.CreateOrganizationRequest, context: Context) -> pb.Organization:
        display_name = convert.display_name_of(request.organization)
        organization = await self._handlers.create_organization(display_name, principal.current().subject)
        return convert.organization_to_proto(organization)

    async def GetOrganization(self, request: rpc.GetOrganizationRequest, context: Context) -> pb.Organization:
        return convert.organization_to_proto(await self._handlers.get_organization(request.name))

    async def ListOrganizations(
        self, request: rpc.ListOrganizationsRequest, context: Context
    ) -> rpc.ListOrganizationsResponse:
        rows = await self._handlers.list_organizations(
            principal.current().subject, self._lists.query(request), show_deleted=request.show_deleted
        )
        return rpc.ListOrganizationsResponse(
            organizations=map(convert.organization_to_proto, rows.items),
            next_page_token=self._lists.token(request, rows.next),
        )

    async def UpdateOrganization(self, request: rpc.UpdateOrganizationRequest, context: Context) -> pb.Organization:
        values = convert.changes(request.organization, request.update_mask, ORGANIZATION_FIELDS)
        change = UpdateOrganization(request.organization.name, values, request.organization.etag)
        return convert.organization_to_proto(await self._handlers.update_organization(change))

    async def DeleteOrganization(self, request: rpc.DeleteOrganizationRequest, context: Context) -> pb.Organization:
        return convert.organization_to_proto(await self._handlers.delete_organization(request.name, request.etag))

    async def UndeleteOrganization(self, request: rpc.UndeleteOrganizationRequest, context: Context) -> pb.Organization:
        return convert.organization_to_proto(await self._handlers.undelete_organization(request.name))


class MembershipServicer(base.MembershipServiceServicer):
    """`trellis.user.v1.MembershipService`."""

    def __init__(self, handlers: MembershipHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def CreateMembership(self, request: rpc.CreateMembershipRequest, context: Context) -> pb.Membership:
        role = convert.role_from_proto(request.membership.role)
        new = CreateMembership(request.parent, convert.user_of(request.membership), role)
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
        convert.changes(request.membership, request.update_mask, MEMBERSHIP_FIELDS)
        role = convert.role_from_proto(request.membership.role)
        change = UpdateMembership(request.membership.name, role, request.membership.etag)
        return convert.membership_to_proto(await self._handlers.update_membership(change, principal.current()))

    async def DeleteMembership(self, request: rpc.DeleteMembershipRequest, context: Context) -> pb.Membership:
        ended = await self._handlers.delete_membership(request.name, request.etag, principal.current())
        return convert.membership_to_proto(ended)

    async def ResolveMembership(self, request: rpc.ResolveMembershipRequest, context: Context) -> pb.Membership:
        return convert.membership_to_proto(await self._handlers.resolve_membership(request.organization, request.user))
