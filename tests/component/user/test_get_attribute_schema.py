"""AttributeSchemaService.GetAttributeSchema."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.attributes import SCHEMA, struct, update_schema
from tests.component.user.conftest import ACME, HIDDEN
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import attribute_schema_service_pb2 as rpc


async def get(service: UserProcess, caller: Metadata, organization: str = ACME) -> rpc.AttributeSchema:
    request = rpc.GetAttributeSchemaRequest(name=f"{organization}/attributeSchema")
    return await service.attribute_schemas.GetAttributeSchema(request, metadata=caller)


async def test_at_first_no_attribute_is_allowed(service: UserProcess, bob: Metadata) -> None:
    assert await get(service, bob) == rpc.AttributeSchema(
        name=f"{ACME}/attributeSchema", schema=struct({"type": "object", "additionalProperties": False}), etag='"0"'
    )


async def test_a_member_sees_the_schema(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    changed = await update_schema(service, ada, SCHEMA)

    assert await get(service, bob) == changed


async def test_another_organization_is_denied(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(get(service, ada, HIDDEN))).code is StatusCode.PERMISSION_DENIED
