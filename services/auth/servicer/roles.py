"""`trellis.auth.v1.RoleService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.auth import convert
from services.auth.handlers import RoleHandlers
from services.chassis import principal
from services.chassis.lists import Lists
from trellis.auth.v1 import role_service_pb2 as rpc
from trellis.auth.v1 import role_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class RoleServicer(base.RoleServiceServicer):
    """`trellis.auth.v1.RoleService`."""

    def __init__(self, handlers: RoleHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def ListPermissions(self, request: rpc.ListPermissionsRequest, context: Context) -> rpc.ListPermissionsResponse:
        rows = await self._handlers.list_permissions(self._lists.query(request))
        return rpc.ListPermissionsResponse(
            permissions=map(convert.permission_to_proto, rows.items), next_page_token=self._lists.token(request, rows.next)
        )

    async def GetRole(self, request: rpc.GetRoleRequest, context: Context) -> rpc.Role:
        return convert.role_to_proto(await self._handlers.get_role(request.name))

    async def ListRoles(self, request: rpc.ListRolesRequest, context: Context) -> rpc.ListRolesResponse:
        rows = await self._handlers.list_roles(request.parent, self._lists.query(request))
        return rpc.ListRolesResponse(
            roles=map(convert.role_to_proto, rows.items), next_page_token=self._lists.token(request, rows.next)
        )

    async def CreateRole(self, request: rpc.CreateRoleRequest, context: Context) -> rpc.Role:
        role = await self._handlers.create_role(convert.new_role(request), principal.current())
        return convert.role_to_proto(role)

    async def UpdateRole(self, request: rpc.UpdateRoleRequest, context: Context) -> rpc.Role:
        role = await self._handlers.update_role(convert.role_changes(request), principal.current())
        return convert.role_to_proto(role)

    async def DeleteRole(self, request: rpc.DeleteRoleRequest, context: Context) -> rpc.Role:
        role = await self._handlers.delete_role(request.name, request.etag, principal.current())
        return convert.role_to_proto(role)
