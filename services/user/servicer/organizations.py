"""`trellis.user.v1.OrganizationService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis import principal
from services.chassis.lists import Lists
from services.user import convert
from services.user.handlers import OrganizationHandlers
from services.user.handlers.organizations import UpdateOrganization
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


ORGANIZATION_FIELDS = frozenset({"display_name"})


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
