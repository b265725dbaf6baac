"""`trellis.auth.v1.ApiKeyService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.auth import convert
from services.auth.domain import IssuedApiKey
from services.auth.handlers import ApiKeyHandlers
from services.auth.handlers.api_keys import CreateApiKey, RotateApiKey, UpdateApiKey
from services.chassis import principal
from services.chassis.lists import Lists
from trellis.auth.v1 import api_key_service_pb2 as pb
from trellis.auth.v1 import api_key_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class ApiKeyServicer(base.ApiKeyServiceServicer):
    """`trellis.auth.v1.ApiKeyService`."""

    def __init__(self, handlers: ApiKeyHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, context: Context) -> pb.ApiKey:
        key = request.api_key
        end = convert.expire_time_of(key, "api_key.expire_time")
        new = CreateApiKey(request.parent, key.subject, key.display_name, key.scopes, end)
        return _issued(await self._handlers.create_api_key(new, principal.current()), request.validate_only)

    async def GetApiKey(self, request: pb.GetApiKeyRequest, context: Context) -> pb.ApiKey:
        return convert.api_key_to_proto(await self._handlers.get_api_key(request.name, principal.current()))

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, context: Context) -> pb.ListApiKeysResponse:
        rows = await self._handlers.list_api_keys(
            request.parent, principal.current(), self._lists.query(request), show_ended=request.show_ended
        )
        return pb.ListApiKeysResponse(
            api_keys=map(convert.api_key_to_proto, rows.items), next_page_token=self._lists.token(request, rows.next)
        )

    async def UpdateApiKey(self, request: pb.UpdateApiKeyRequest, context: Context) -> pb.ApiKey:
        key = request.api_key
        values = convert.api_key_changes(key, request.update_mask)
        change = UpdateApiKey(key.name, values.get("display_name"), values.get("scopes"), key.etag)
        return convert.api_key_to_proto(await self._handlers.update_api_key(change, principal.current()))

    async def RotateApiKey(self, request: pb.RotateApiKeyRequest, context: Context) -> pb.ApiKey:
        end = convert.expire_time_of(request, "expire_time")
        rotation = RotateApiKey(request.name, request.overlap_duration.ToTimedelta(), end)
        return _issued(await self._handlers.rotate_api_key(rotation, principal.current()), request.validate_only)

    async def RevokeApiKey(self, request: pb.RevokeApiKeyRequest, context: Context) -> pb.ApiKey:
        return convert.api_key_to_proto(await self._handlers.revoke_api_key(request.name, principal.current()))


def _issued(issued: IssuedApiKey, validate_only: bool) -> pb.ApiKey:
    return convert.issued_api_key_to_proto(issued.rehearsed() if validate_only else issued)
