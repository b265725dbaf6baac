"""`trellis.user.v1.UserService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis import principal
from services.chassis.lists import Lists
from services.user import convert
from services.user.handlers import LifecycleHandlers, UserHandlers
from services.user.handlers.users import UpdateUser
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


USER_FIELDS = frozenset({"display_name", "language_code", "time_zone"})


class UserServicer(base.UserServiceServicer):
    """`trellis.user.v1.UserService`."""

    def __init__(self, handlers: UserHandlers, lifecycle: LifecycleHandlers, lists: Lists) -> None:
        self._handlers, self._lifecycle, self._lists = handlers, lifecycle, lists

    async def GetUser(self, request: rpc.GetUserRequest, context: Context) -> pb.User:
        return convert.user_to_proto(await self._handlers.get_user(request.name, principal.current()))

    async def BatchGetUsers(self, request: rpc.BatchGetUsersRequest, context: Context) -> rpc.BatchGetUsersResponse:
        users = await self._handlers.batch_get_users(request.names, principal.current())
        return rpc.BatchGetUsersResponse(users=map(convert.user_to_proto, users))

    async def ListUsers(self, request: rpc.ListUsersRequest, context: Context) -> rpc.ListUsersResponse:
        rows = await self._handlers.list_users(request.parent, self._lists.query(request), show_deleted=request.show_deleted)
        return rpc.ListUsersResponse(
            users=map(convert.user_to_proto, rows.items), next_page_token=self._lists.token(request, rows.next)
        )

    async def UpdateUser(self, request: rpc.UpdateUserRequest, context: Context) -> pb.User:
        values = convert.changes(request.user, request.update_mask, USER_FIELDS)
        change = UpdateUser(request.user.name, values, request.user.etag)
        return convert.user_to_proto(await self._handlers.update_user(change, principal.current()))

    async def DeactivateUser(self, request: rpc.DeactivateUserRequest, context: Context) -> pb.User:
        user = await self._lifecycle.deactivate_user(request.name, request.etag, principal.current())
        return convert.user_to_proto(user)

    async def ReactivateUser(self, request: rpc.ReactivateUserRequest, context: Context) -> pb.User:
        return convert.user_to_proto(await self._lifecycle.reactivate_user(request.name, request.token))

    async def DeleteUser(self, request: rpc.DeleteUserRequest, context: Context) -> pb.User:
        user = await self._lifecycle.delete_user(request.name, request.etag, principal.current())
        return convert.user_to_proto(user)

    async def UndeleteUser(self, request: rpc.UndeleteUserRequest, context: Context) -> pb.User:
        return convert.user_to_proto(await self._lifecycle.undelete_user(request.name, request.token))
