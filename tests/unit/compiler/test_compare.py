"""Each promise of a released document, broken once; and what may change."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compiler import diff
from compiler.openapi.compare import breaks
from compiler.openapi.document import document
from tests.unit.compiler.fixture import contract

Json = dict[str, Any]
Change = Callable[[Json], object]
SHOP = document(contract())
CART, CARTS = "/v1/organizations/{organization}/carts/{cart}", "/v1/organizations/{organization}/carts"
MOVE, SEARCH = "/v1/shelves/{shelf}:move", "/v1/shelves:search"


def changed(change: Change) -> Json:
    new = copy.deepcopy(SHOP)
    change(new)
    return new


def parameter(openapi: Json, path: str, name: str) -> Json:
    found: Json = next(p for p in openapi["paths"][path]["get"]["parameters"] if p["name"] == name)
    return found


def schema(openapi: Json, name: str) -> Json:
    found: Json = openapi["components"]["schemas"][name]
    return found


def rename(node: Json, old: str, new: str) -> None:
    node[new] = node.pop(old)


BROKEN: list[tuple[str, Change, str]] = [
    ("a path is removed", lambda d: d["paths"].pop(SEARCH), f"GET {SEARCH}: removed"),
    ("a verb is removed", lambda d: d["paths"][CART].pop("patch"), f"PATCH {CART}: removed"),
    (
        "a path is renamed",
        lambda d: rename(d["paths"], SEARCH, "/v1/shelves:find"),
        f"GET {SEARCH}: the path became /v1/shelves:find",
    ),
    (
        "a path's variable is renamed",
        lambda d: rename(d["paths"], CARTS, "/v1/organizations/{org}/carts"),
        f"GET {CARTS}: the path became /v1/organizations/{{org}}/carts",
    ),
    (
        "a query parameter is renamed",
        lambda d: parameter(d, CARTS, "pageSize").update(name="size"),
        f"GET {CARTS}: query parameter pageSize: removed",
    ),
    (
        "a query parameter is newly required",
        lambda d: parameter(d, CARTS, "filter").update(required=True),
        f"GET {CARTS}: query parameter filter: newly required",
    ),
    (
        "a query parameter is narrower",
        lambda d: parameter(d, CARTS, "filter")["schema"].update(maxLength=9),
        f"GET {CARTS}: query parameter filter: maxLength 99 became 9",
    ),
    (
        "a field of a request is renamed",
        lambda d: rename(schema(d, "MoveShelfRequest")["properties"], "crane", "lift"),
        f"POST {MOVE}: body: field crane: removed",
    ),
    (
        "a field of a request is newly required",
        lambda d: schema(d, "MoveShelfRequest").update(required=["roomId"]),
        f"POST {MOVE}: body: field roomId: newly required",
    ),
    (
        "a field of a request has another type",
        lambda d: schema(d, "MoveShelfRequest")["properties"].update(roomId={"type": "integer"}),
        f"POST {MOVE}: body.roomId: type string became integer",
    ),
    (
        "a field of a request must be longer",
        lambda d: schema(d, "MoveShelfRequest")["properties"]["roomId"].update(minLength=2),
        f"POST {MOVE}: body.roomId: minLength 1 became 2",
    ),
    (
        "a field of a request has a pattern",
        lambda d: schema(d, "MoveShelfRequest")["properties"]["roomId"].update(pattern="^a"),
        f"POST {MOVE}: body.roomId: pattern None became ^a",
    ),
    (
        "a field of a request takes only some values",
        lambda d: schema(d, "MoveShelfRequest")["properties"]["roomId"].update(enum=["a"]),
        f"POST {MOVE}: body.roomId: only some values are taken now",
    ),
    ("a body is removed", lambda d: d["paths"][MOVE]["post"].pop("requestBody"), f"POST {MOVE}: the body was removed"),
    (
        "a body is added",
        lambda d: d["paths"][SEARCH]["get"].update(requestBody={"content": {}}),
        f"GET {SEARCH}: a body is newly required",
    ),
    (
        "a field of an answer is removed",
        lambda d: schema(d, "Cart")["properties"].pop("etag"),
        f"GET {CART}: 200: field etag: removed",
    ),
    (
        "a nested field of an answer is removed",
        lambda d: schema(d, "Cart")["properties"].pop("etag"),
        f"GET {CARTS}: 200.carts[]: field etag: removed",
    ),
    (
        "a value of a map has another type",
        lambda d: schema(d, "Shelf")["properties"]["labels"].update(additionalProperties={"type": "integer"}),
        f"GET {SEARCH}: 200.shelves[].labels{{}}: type string became integer",
    ),
    (
        "an enum loses a value",
        lambda d: schema(d, "Shelf.Material")["enum"].remove("MATERIAL_OAK"),
        f"GET {SEARCH}: 200.shelves[].material: value MATERIAL_OAK: removed",
    ),
    (
        "the status of success is another",
        lambda d: rename(d["paths"][MOVE]["post"]["responses"], "200", "204"),
        f"POST {MOVE}: 200: the status was removed",
    ),
    (
        "the content type of an answer is another",
        lambda d: rename(d["paths"][CART]["get"]["responses"]["200"]["content"], "application/json", "text/plain"),
        f"GET {CART}: 200: content type application/json: removed",
    ),
]
FINE: list[tuple[str, Change]] = [
    ("nothing", lambda _: None),
    ("a path is added", lambda d: d["paths"].update({"/v1/new": d["paths"][CART]})),
    (
        "a parameter is added",
        lambda d: d["paths"][CARTS]["get"]["parameters"].append({"in": "query", "name": "x", "schema": {}}),
    ),
    ("a field is added", lambda d: schema(d, "Cart")["properties"].update(new={"type": "string"})),
    ("a value is added", lambda d: schema(d, "Shelf.Material")["enum"].append("MATERIAL_STONE")),
    ("a limit is wider", lambda d: parameter(d, CARTS, "filter")["schema"].update(maxLength=999)),
    ("a limit is gone", lambda d: parameter(d, CARTS, "filter")["schema"].pop("maxLength")),
    ("an error is gone", lambda d: d["paths"][CARTS]["get"]["responses"].pop("404")),
    ("words change", lambda d: d["paths"][CARTS]["get"].update(summary="Says it better")),
    ("a schema has another name", lambda d: d["components"]["schemas"].update(Unused={})),
]


@pytest.mark.parametrize(("change", "line"), [(change, line) for _, change, line in BROKEN], ids=[n for n, _, _ in BROKEN])
def test_a_broken_promise_is_named(change: Change, line: str) -> None:
    assert line in breaks(SHOP, changed(change))


@pytest.mark.parametrize("change", [change for _, change in FINE], ids=[name for name, _ in FINE])
def test_adding_and_widening_is_fine(change: Change) -> None:
    assert breaks(SHOP, changed(change)) == []


def test_a_recursive_schema_is_compared_once() -> None:
    gone = changed(lambda d: schema(d, "Shelf.Board")["properties"].pop("heightMm"))
    assert f"GET {SEARCH}: 200.shelves[].boards{{}}: field heightMm: removed" in breaks(SHOP, gone)


def test_the_command_ends_with_one_and_names_the_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    released, today = tmp_path / "released.json", tmp_path / "today.json"
    released.write_text(json.dumps(SHOP))
    today.write_text(json.dumps(changed(lambda d: d["paths"].pop(SEARCH))))
    assert diff.main(released, today) == 1
    assert capsys.readouterr().out == f"GET {SEARCH}: removed\n"
    assert diff.main(released, released) == 0


def test_today_keeps_the_promises_of_the_release() -> None:
    assert diff.main() == 0
