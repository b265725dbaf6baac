"""`trellis.user.v1.AttributeSchemaService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis import masks
from services.user import convert
from services.user.handlers import AttributeSchemaHandlers
from services.user.handlers.attributes import UpdateAttributeSchema
from trellis.user.v1 import attribute_schema_service_pb2 as rpc
from trellis.user.v1 import attribute_schema_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

ATTRIBUTE_SCHEMA_FIELDS = frozenset({"schema"})


class AttributeSchemaServicer(base.AttributeSchemaServiceServicer):
    """`trellis.user.v1.AttributeSchemaService`."""

    def __init__(self, handlers: AttributeSchemaHandlers) -> None:
        self._handlers = handlers

    async def GetAttributeSchema(self, request: rpc.GetAttributeSchemaRequest, context: Context) -> rpc.AttributeSchema:
        found = await self._handlers.get_attribute_schema(_organization(request.name))
        return convert.attribute_schema_to_proto(found)

    async def UpdateAttributeSchema(
        self, request: rpc.UpdateAttributeSchemaRequest, context: Context
    ) -> rpc.AttributeSchema:
        new = request.attribute_schema
        masks.values(new, request.update_mask, ATTRIBUTE_SCHEMA_FIELDS)
        schema = convert.attributes_from_proto(new.schema)
        change = UpdateAttributeSchema(_organization(new.name), schema, new.etag)
        return convert.attribute_schema_to_proto(await self._handlers.update_attribute_schema(change))


def _organization(name: str) -> str:
    return name.removesuffix("/attributeSchema")
