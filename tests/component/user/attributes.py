"""Attribute schemas for tests."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Struct

from tests.component.user.conftest import ACME
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import attribute_schema_service_pb2 as rpc

SCHEMA = {
    "type": "object",
    "properties": {
        "department": {"type": "string", "enum": ["ops", "sales"]},
        "level": {"type": "integer", "minimum": 1, "maximum": 5},
    },
    "required": ["department"],
    "additionalProperties": False,
}


def struct(values: dict[str, Any]) -> Struct:
    """Return what a client sends."""
    message = Struct()
    message.update(values)
    return message


async def update_schema(
    service: UserProcess, caller: Metadata, schema: dict[str, Any], *, organization: str = ACME, etag: str = ""
) -> rpc.AttributeSchema:
    """Set the schema of an organization."""
    new = rpc.AttributeSchema(name=f"{organization}/attributeSchema", schema=struct(schema), etag=etag)
    request = rpc.UpdateAttributeSchemaRequest(attribute_schema=new)
    return await service.attribute_schemas.UpdateAttributeSchema(request, metadata=caller)
