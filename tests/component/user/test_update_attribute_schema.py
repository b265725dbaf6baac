"""AttributeSchemaService.UpdateAttributeSchema."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from grpc import StatusCode

from services.user.domain import AttributeSchemaUpdated, Role
from tests.component.refusals import refusal
from tests.component.user.attributes import SCHEMA, struct, update_schema
from tests.component.user.conftest import ACME, own_example_com, stamp
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import attribute_schema_service_pb2 as rpc
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as users

BOBS = f"{ACME}/memberships/usr_bob"


def laughing(depth: int) -> dict[str, Any]:
    """Return definitions of which each refers to the next six times."""
    return {str(number): {"anyOf": [{"$ref": f"#/$defs/{number + 1}"}] * 6} for number in range(depth)} | {str(depth): {}}


def chain(length: int) -> dict[str, Any]:
    """Return definitions of which each refers to the next once."""
    return {str(number): {"$ref": f"#/$defs/{number + 1}"} for number in range(length)} | {str(length): {}}


async def know(service: UserProcess, caller: Metadata, attributes: Struct, name: str = BOBS) -> pb.Membership:
    """Write what the organization knows of a member."""
    request = users.UpdateMembershipRequest(membership=pb.Membership(name=name, attributes=attributes))
    return await service.memberships.UpdateMembership(request, metadata=caller)


async def test_an_administrator_sets_the_schema(
    service: UserProcess, store: FakeUserStore, cid: Metadata, time: Time
) -> None:
    changed = await update_schema(service, cid, SCHEMA)

    assert changed == rpc.AttributeSchema(
        name=f"{ACME}/attributeSchema", schema=struct(SCHEMA), update_time=stamp(time), etag='"1"'
    )
    assert store.events == [AttributeSchemaUpdated(ACME, time())]


async def test_attributes_are_what_the_schema_allows(service: UserProcess, cid: Metadata) -> None:
    await update_schema(service, cid, SCHEMA)

    known = await know(service, cid, struct({"department": "ops", "level": 3}))

    assert (known.attributes, known.role) == (struct({"department": "ops", "level": 3}), pb.ROLE_MEMBER)


@pytest.mark.parametrize(
    ("attributes", "fields"),
    [
        ({"department": "ops", "level": 7}, ["attributes.level"]),
        ({"department": "lab", "level": 0}, ["attributes.department", "attributes.level"]),
        ({"level": 3}, ["attributes"]),
        ({"department": "ops", "shoe_size": 43}, ["attributes"]),
        ({"department": "ops", "level": 1.5}, ["attributes.level"]),
    ],
)
async def test_what_the_schema_does_not_allow_is_named(
    service: UserProcess, store: FakeUserStore, ada: Metadata, attributes: dict[str, Any], fields: list[str]
) -> None:
    await update_schema(service, ada, SCHEMA)

    refused = await refusal(know(service, ada, struct(attributes)))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.INVALID_ARGUMENT,
        "ATTRIBUTES_INVALID",
        {"organization": ACME},
    )
    assert sorted(refused.fields) == fields
    assert store.tables.memberships[BOBS].attributes == {}


async def test_without_a_schema_nothing_is_allowed(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(know(service, ada, struct({"department": "ops"})))).reason == "ATTRIBUTES_INVALID"


async def test_attributes_are_not_too_large(service: UserProcess, ada: Metadata) -> None:
    await update_schema(service, ada, {"type": "object"})

    assert (await refusal(know(service, ada, struct({"text": "x" * 17_000})))).fields == ["attributes"]


async def test_a_number_that_json_cannot_say_is_refused(service: UserProcess, ada: Metadata) -> None:
    await update_schema(service, ada, {"type": "object"})

    assert (await refusal(know(service, ada, struct({"level": float("inf")})))).fields == ["attributes"]


async def test_no_text_holds_nul(service: UserProcess, ada: Metadata) -> None:
    await update_schema(service, ada, {"type": "object"})

    assert (await refusal(know(service, ada, struct({"text": "a\0b"})))).reason == "REQUEST_INVALID"


async def test_a_new_member_comes_with_attributes(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    own_example_com(store)
    await update_schema(service, ada, SCHEMA)
    membership = pb.Membership(user="users/usr_eve", role=pb.ROLE_MEMBER, attributes=struct({"department": "sales"}))
    request = users.CreateMembershipRequest(parent=ACME, membership=membership)

    created = await service.memberships.CreateMembership(request, metadata=ada)

    assert created.attributes == struct({"department": "sales"})


async def test_members_are_found_by_their_attributes(service: UserProcess, ada: Metadata) -> None:
    await update_schema(service, ada, SCHEMA)
    await know(service, ada, struct({"department": "ops", "level": 3}))
    request = users.ListMembershipsRequest(parent=ACME, filter='attributes.department = "ops" AND attributes.level = 3')

    found = await service.memberships.ListMemberships(request, metadata=ada)

    assert [each.name for each in found.memberships] == [BOBS]


async def test_an_owners_attributes_may_be_written_by_an_administrator(
    service: UserProcess, store: FakeUserStore, ada: Metadata, cid: Metadata
) -> None:
    await update_schema(service, ada, SCHEMA)

    await know(service, cid, struct({"department": "ops"}), f"{ACME}/memberships/usr_ada")

    assert store.tables.memberships[f"{ACME}/memberships/usr_ada"].role is Role.OWNER


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {},
        {"type": "object", "properties": {"a": {"type": "colour"}}},
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/schema"}}},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)"}}},
        {"type": "object", "description": "x" * 33_000},
        {"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}},
        {"type": "object", "$ref": "#/$defs/0", "$defs": laughing(depth=12)},
        {"type": "object", "$ref": "#/$defs/0", "$defs": chain(length=30)},
        {"type": "object", "properties": {str(number): {} for number in range(500)}},
        {"type": "object", "patternProperties": {f"^{number}": True for number in range(50)}},
        {"type": "object", "patternProperties": 3},
        {"type": "object", "$dynamicAnchor": "a", "properties": {"a": {"$dynamicRef": "#a"}}},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": r"(\pL{90}){90}"}}},
    ],
    ids=[
        "no object",
        "nothing",
        "no type",
        "elsewhere",
        "look-around",
        "too large",
        "back to itself",
        "small, and 6 to the 12th when written out",
        "too far",
        "too many parts",
        "too many patterns",
        "no patterns",
        "by name",
        "a pattern that takes megabytes",
    ],
)
async def test_a_schema_that_cannot_be_is_refused(
    service: UserProcess, store: FakeUserStore, ada: Metadata, schema: dict[str, Any]
) -> None:
    refused = await refusal(update_schema(service, ada, schema))

    assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, "ATTRIBUTE_SCHEMA_INVALID")
    assert refused.fields == ["attribute_schema.schema"]
    assert store.tables.attribute_schemas == {}


async def test_what_is_there_stays_readable_under_a_schema_that_does_not_allow_it(
    service: UserProcess, ada: Metadata
) -> None:
    await update_schema(service, ada, SCHEMA)
    await know(service, ada, struct({"department": "ops"}))
    await update_schema(service, ada, {"type": "object", "additionalProperties": False})

    request = users.ListMembershipsRequest(parent=ACME, filter='attributes.department = "ops"')
    [bob] = (await service.memberships.ListMemberships(request, metadata=ada)).memberships
    assert bob == await service.memberships.GetMembership(users.GetMembershipRequest(name=BOBS), metadata=ada)
    assert bob.attributes == struct({"department": "ops"})

    change = users.UpdateMembershipRequest(membership=pb.Membership(name=BOBS, role=pb.ROLE_ADMIN))
    assert (await service.memberships.UpdateMembership(change, metadata=ada)).attributes == bob.attributes
    assert (await refusal(know(service, ada, bob.attributes))).reason == "ATTRIBUTES_INVALID"


async def test_what_is_used_twice_is_referred_to(service: UserProcess, ada: Metadata) -> None:
    day = {"type": "string", "format": "date"}
    dates = {"born": {"$ref": "#/$defs/a~1day"}, "joined": {"$ref": "#/$defs/a~1day"}}
    await update_schema(service, ada, {"type": "object", "$id": "urn:x", "properties": dates, "$defs": {"a/day": day}})

    await know(service, ada, struct({"born": "1815-12-10"}))
    assert (await refusal(know(service, ada, struct({"joined": "soon"})))).fields == ["attributes.joined"]


async def test_of_what_is_large_only_the_first_mistake_is_named(service: UserProcess, ada: Metadata) -> None:
    each = {"type": "array", "items": {"allOf": [{"minimum": 9}] * 400}}
    await update_schema(service, ada, {"type": "object", "properties": {"a": each}})

    refused = await refusal(know(service, ada, struct({"a": [1] * 4000})))  # 1,600,000 mistakes

    assert (refused.reason, refused.fields) == ("ATTRIBUTES_INVALID", ["attributes.a.0"])


async def test_a_pattern_that_would_backtrack_for_ever_does_not(service: UserProcess, ada: Metadata) -> None:
    await update_schema(service, ada, {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}})

    assert (await refusal(know(service, ada, struct({"a": "a" * 5000 + "!"})))).fields == ["attributes.a"]


async def test_who_was_slower_is_told(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(update_schema(service, ada, SCHEMA, etag='"9"'))).reason == "ETAG_MISMATCH"


async def test_a_deleted_organization_keeps_its_schema(service: UserProcess, ada: Metadata) -> None:
    await service.organizations.DeleteOrganization(users.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(update_schema(service, ada, SCHEMA))).reason == "ORGANIZATION_DELETED"


async def test_a_purged_organization_is_not_found(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    del store.tables.organizations[ACME]

    assert (await refusal(update_schema(service, ada, SCHEMA))).reason == "ORGANIZATION_NOT_FOUND"


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    assert (await refusal(update_schema(service, bob, SCHEMA))).metadata == {"permission": "attributeSchemas.update"}
