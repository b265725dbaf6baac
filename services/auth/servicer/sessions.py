"""`trellis.auth.v1.SessionService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.auth import convert
from services.auth.handlers import SessionHandlers
from services.chassis import principal
from services.chassis.lists import Lists
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc
from trellis.auth.v1 import service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class SessionServicer(base.SessionServiceServicer):
    """`trellis.auth.v1.SessionService`."""

    def __init__(self, handlers: SessionHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def GetSession(self, request: rpc.GetSessionRequest, context: Context) -> pb.Session:
        return convert.session_to_proto(await self._handlers.get_session(request.name, principal.current()))

    async def ListSessions(self, request: rpc.ListSessionsRequest, context: Context) -> rpc.ListSessionsResponse:
        rows = await self._handlers.list_sessions(
            request.parent, principal.current(), self._lists.query(request), show_ended=request.show_ended
        )
        return rpc.ListSessionsResponse(
            sessions=map(convert.session_to_proto, rows.items), next_page_token=self._lists.token(request, rows.next)
        )

    async def RevokeSession(self, request: rpc.RevokeSessionRequest, context: Context) -> pb.Session:
        return convert.session_to_proto(await self._handlers.revoke_session(request.name, principal.current()))

    async def RevokeAllSessions(
        self, request: rpc.RevokeAllSessionsRequest, context: Context
    ) -> rpc.RevokeAllSessionsResponse:
        revoked = await self._handlers.revoke_all_sessions(
            request.parent, principal.current(), keep_current=request.keep_current
        )
        return convert.revoked_to_proto(revoked)
