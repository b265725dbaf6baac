"""`trellis.auth.v1.JwksService` and `SigningKeyService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.api import httpbody_pb2

from services.auth import convert
from services.auth.handlers import KeyHandlers
from trellis.auth.v1 import service_pb2 as rpc
from trellis.auth.v1 import service_pb2_grpc as base
from trellis.auth.v1 import signing_key_service_pb2, signing_key_service_pb2_grpc

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class JwksServicer(base.JwksServiceServicer):
    """`trellis.auth.v1.JwksService`."""

    def __init__(self, handlers: KeyHandlers) -> None:
        self._handlers = handlers

    async def GetJwks(self, request: rpc.GetJwksRequest, context: Context) -> httpbody_pb2.HttpBody:
        return httpbody_pb2.HttpBody(content_type="application/json", data=await self._handlers.get_jwks())


class SigningKeyServicer(signing_key_service_pb2_grpc.SigningKeyServiceServicer):
    """`trellis.auth.v1.SigningKeyService`."""

    def __init__(self, handlers: KeyHandlers) -> None:
        self._handlers = handlers

    async def GetSigningKeys(
        self, request: signing_key_service_pb2.GetSigningKeysRequest, context: Context
    ) -> signing_key_service_pb2.SigningKeys:
        return convert.signing_keys_to_proto(await self._handlers.get_signing_keys())

    async def RotateSigningKeys(
        self, request: signing_key_service_pb2.RotateSigningKeysRequest, context: Context
    ) -> signing_key_service_pb2.SigningKeys:
        return convert.signing_keys_to_proto(await self._handlers.rotate_signing_keys())
