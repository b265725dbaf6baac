"""`trellis.auth.v1.JwksService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.api import httpbody_pb2

from services.auth.handlers import KeyHandlers
from trellis.auth.v1 import service_pb2 as rpc
from trellis.auth.v1 import service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class JwksServicer(base.JwksServiceServicer):
    """`trellis.auth.v1.JwksService`."""

    def __init__(self, handlers: KeyHandlers) -> None:
        self._handlers = handlers

    async def GetJwks(self, request: rpc.GetJwksRequest, context: Context) -> httpbody_pb2.HttpBody:
        return httpbody_pb2.HttpBody(content_type="application/json", data=await self._handlers.get_jwks())
