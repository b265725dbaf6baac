"""The OpenAPI document: valid, complete, and true to its own examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from compiler import buf, reader
from compiler.model import Contract
from compiler.openapi.document import document
from tests.unit.compiler.fixture import contract

Json = dict[str, Any]
SPEC = "urn:trellis"


def load(path: str) -> Json:
    loaded: Json = json.loads((buf.ROOT / path).read_text())
    return loaded


def operations(openapi: Json) -> Iterator[tuple[str, str, Json]]:
    """Path, verb and operation."""
    for path, item in openapi["paths"].items():
        yield from ((path, verb, operation) for verb, operation in item.items())


def nodes(node: Any) -> Iterator[Json]:
    """Every object of a document."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


@pytest.fixture(scope="module")
def shop() -> Json:
    return document(contract())


@pytest.fixture(scope="module")
def real() -> Json:
    return load("gen/openapi/trellis.json")


@pytest.fixture(scope="module")
def written() -> Contract:
    """The contract as the edge's transcoder reads it."""
    return reader.read((buf.ROOT / "gen/descriptor/trellis.binpb").read_bytes())


def test_the_fixture_is_a_valid_document(shop: Json) -> None:
    validate(shop)


def test_the_contract_is_a_valid_document(real: Json) -> None:
    validate(real)


def test_the_same_contract_is_the_same_document(shop: Json) -> None:
    assert json.dumps(document(contract())) == json.dumps(shop)
    assert list(shop["paths"]) == sorted(shop["paths"])
    assert list(shop["components"]["schemas"]) == sorted(shop["components"]["schemas"])


@pytest.mark.parametrize("which", ["shop", "real"])
def test_every_example_fits_its_own_schema(which: str, request: pytest.FixtureRequest) -> None:
    openapi = request.getfixturevalue(which)
    registry: Registry[Any] = Registry().with_resource(SPEC, DRAFT202012.create_resource(openapi))
    found = 0
    for schema in nodes(openapi):
        for example in schema["examples"] if isinstance(schema.get("examples"), list) else ():
            found += 1
            Draft202012Validator({**schema, "$id": SPEC + "#"}, registry=registry).validate(example)
    status = {"$ref": f"{SPEC}#/components/schemas/google.rpc.Status"}
    for response in openapi["components"]["responses"].values():
        for example in response["content"]["application/json"]["examples"].values():
            found += 1
            Draft202012Validator(status, registry=registry).validate(example["value"])
    assert found > 20


def test_what_is_documented_is_what_the_edge_serves_and_what_the_contract_binds(real: Json, written: Contract) -> None:
    served = set(load("gen/envoy/edge.json")["services"])
    bound = {(rpc.path[1:], http.verb, http.template) for rpc in written.rpcs for http in rpc.bindings}
    assert {rpc.service for rpc in written.rpcs if rpc.bindings} == served
    documented = {
        (rpc.path[1:], http.verb, http.template)
        for rpc in written.rpcs
        for http in rpc.bindings
        for path, verb, operation in operations(real)
        if operation["x-trellis-method"] == rpc.path[1:]
        and verb.upper() == http.verb
        and re.fullmatch(http.regex, re.sub(r"\{\w+\}", "x", path))
    }
    assert documented == bound
    assert len([*operations(real)]) == len(bound)


def test_nothing_internal_is_documented(real: Json, written: Contract) -> None:
    internal = {rpc.path[1:] for rpc in written.rpcs if rpc.policy.access == "internal"}
    assert internal
    assert internal.isdisjoint(operation["x-trellis-method"] for _, _, operation in operations(real))


def test_every_reason_of_a_policy_is_in_a_response(real: Json, written: Contract) -> None:
    policies = {rpc.path[1:]: set(rpc.policy.reasons) for rpc in written.rpcs}
    for _, _, operation in operations(real):
        references = [answer["$ref"].rpartition("/")[2] for answer in operation["responses"].values() if "$ref" in answer]
        bodies = [real["components"]["responses"][name]["content"]["application/json"] for name in references]
        assert policies[operation["x-trellis-method"]] <= {reason for body in bodies for reason in body["examples"]}


def test_what_the_path_says_is_not_in_the_body(shop: Json) -> None:
    moved = shop["components"]["schemas"]["MoveShelfRequest"]
    assert "name" not in moved["properties"]
    assert moved["oneOf"] == [{"required": ["byHand"]}, {"required": ["crane"]}]


def test_an_update_requires_no_field_and_cannot_send_what_the_platform_says(shop: Json) -> None:
    shelf, patch = (shop["components"]["schemas"][name] for name in ("Shelf", "ShelfPatch"))
    assert shelf["required"] == ["material"]
    assert "required" not in patch
    assert patch["properties"]["name"]["readOnly"] is True


def test_a_query_reaches_into_messages_but_not_round_and_round(shop: Json) -> None:
    names = [parameter["name"] for parameter in shop["paths"]["/v1/shelves:search"]["get"]["parameters"]]
    assert names == [
        "wish.minWidth",
        "wish.materials",
        "wish.standTime",
        "wish.other.minWidth",
        "wish.other.materials",
        "wish.other.standTime",
        "names",
    ]


def test_answers_may_show_zero_where_requests_may_not(shop: Json) -> None:
    properties = shop["components"]["schemas"]["Shelf"]["properties"]
    assert properties["colour"]["pattern"] == "^$|^#[0-9a-f]{6}$"
    assert properties["width"]["exclusiveMinimum"] == 0  # optional: unset is left out


def test_api_keys_are_offered_once_there_is_such_a_resource(shop: Json) -> None:
    assert list(shop["components"]["securitySchemes"]) == ["accessToken"]
    keys = document(contract('type: "trellis.dev/Cart"', 'type: "trellis.dev/ApiKey"'))
    assert list(keys["components"]["securitySchemes"]) == ["accessToken", "apiKey"]
    assert keys["security"] == [{"accessToken": []}, {"apiKey": []}]


def test_what_needs_a_session_takes_no_api_key() -> None:
    keys = document(contract('type: "trellis.dev/Cart"', 'type: "trellis.dev/ApiKey"'))
    operations = [operation for path in keys["paths"].values() for operation in path.values()]
    found = {operation["x-trellis-access"]: operation for operation in operations}
    told = {access: json.dumps(operation["responses"]) for access, operation in found.items()}

    assert found["signed_in"]["security"] == [{"accessToken": []}]
    assert "security" not in found["permission"]
    assert [reason in told["signed_in"] for reason in ("ApiKeyInvalid", "SessionRequired")] == [True, True]
    assert [reason in told["permission"] for reason in ("ApiKeyInvalid", "SessionRequired")] == [True, False]
    assert [reason in told["public"] for reason in ("ApiKeyInvalid", "SessionRequired")] == [False, False]
