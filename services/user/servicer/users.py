"""`trellis.user.v1.UserService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis import principal
from services.chassis.lists import Lists
from services.user import convert
from services.user.handlers import UserHandlers
from services.user.handlers.users import UpdateUser
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


USER_FIELDS = frozenset({"display_name", "language_code", "time_zone"})


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
