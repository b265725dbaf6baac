"""`trellis.auth.v1.RoleBindingService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.auth import convert
from services.auth.handlers import RoleBindingHandlers
from services.chassis import principal
from services.chassis.lists import Lists
from trellis.auth.v1 import role_binding_service_pb2 as rpc
from trellis.auth.v1 import role_binding_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class RoleBindingServicer(base.RoleBindingServiceServicer):
    """`trellis.auth.v1.RoleBindingService`."""

    def __init__(self, handlers: RoleBindingHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def CreateRoleBinding(self, request: rpc.CreateRoleBindingRequest, context: Context) -> rpc.RoleBinding:
        new = convert.new_role_binding(request)
        return convert.role_binding_to_proto(await self._handlers.create_role_binding(new, principal.current()))

    async def GetRoleBinding(self, request: rpc.GetRoleBindingRequest, context: Context) -> rpc.RoleBinding:
        return convert.role_binding_to_proto(await self._handlers.get_role_binding(request.name))

    async def ListRoleBindings(self, request: rpc.ListRoleBindingsRequest, context: Context) -> rpc.ListRoleBindingsResponse:
        rows = await self._handlers.list_role_bindings(request.parent, self._lists.query(request))
        return rpc.ListRoleBindingsResponse(
            role_bindings=map(convert.role_binding_to_proto, rows.items),
            next_page_token=self._lists.token(request, rows.next),
        )

    async def DeleteRoleBinding(self, request: rpc.DeleteRoleBindingRequest, context: Context) -> rpc.RoleBinding:
        ended = await self._handlers.delete_role_binding(request.name, principal.current())
        return convert.role_binding_to_proto(ended)
