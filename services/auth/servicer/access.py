"""`trellis.auth.v1.AccessService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.auth import convert
from services.auth.domain import Question
from services.auth.handlers import AccessHandlers
from services.chassis import principal
from trellis.auth.v1 import access_service_pb2 as rpc
from trellis.auth.v1 import access_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class AccessServicer(base.AccessServiceServicer):
    """`trellis.auth.v1.AccessService`."""

    def __init__(self, handlers: AccessHandlers) -> None:
        self._handlers = handlers

    async def CheckAccess(self, request: rpc.CheckAccessRequest, context: Context) -> rpc.CheckAccessResponse:
        question = Question(request.subject, request.permission, request.resource)
        return convert.grant_to_proto(await self._handlers.check_access(question, principal.current()))

    async def BatchCheckAccess(self, request: rpc.BatchCheckAccessRequest, context: Context) -> rpc.BatchCheckAccessResponse:
        questions = [Question(request.subject, asked.permission, asked.resource) for asked in request.questions]
        grants = await self._handlers.batch_check_access(questions, principal.current())
        return rpc.BatchCheckAccessResponse(answers=map(convert.grant_to_proto, grants))

    async def ResolveAccess(self, request: rpc.ResolveAccessRequest, context: Context) -> rpc.CheckAccessResponse:
        question = Question(request.subject, request.permission, request.resource)
        return convert.grant_to_proto(await self._handlers.resolve_access(question))
