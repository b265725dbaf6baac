"""Every RPC serves its right caller. What the other files refuse or repeat begins with these requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.generated.contract import Field, Rpc, fields_of, resources, rpcs, sibling
from tests.generated.recipes import ANOTHER, BEFORE, FIELDS, NAMED, RESOURCES, UNDONE_FIRST, WANTED
from tests.generated.requests import RecipeMissing, Requests
from trellis.policies import POLICIES


@pytest.mark.parametrize("rpc", rpcs().values(), ids=str)
def test_a_valid_request_of_the_right_caller_is_served(rpc: Rpc, requests: Requests) -> None:
    """Fails where the builder does not know how to make a valid request, and says which line of `recipes.py` is missing."""
    scope = requests.fresh_scope(rpc) if rpc.mutates else requests.world.ada
    try:
        answer = requests.served(rpc, scope)
    except RecipeMissing as missing:
        pytest.fail(str(missing))
    assert answer.ok, f"{rpc} refuses what should be valid: {answer.words}; see FIELDS in tests/generated/recipes.py"


def test_no_recipe_is_left_over() -> None:
    """A line is about what some request says: it goes with what it was about."""
    said = {field.full_name: field for rpc in rpcs().values() for field in said_by(rpc.descriptor.input_type)}
    assert {*FIELDS, *ANOTHER, *WANTED} - set(said) == set()
    assert set(NAMED) - {field.name for field in said.values()} == set()
    referred = {field.reference for field in said.values()} | {resource.parent for resource in resources().values()}
    assert set(RESOURCES) - referred == set()
    assert [verb for verb in BEFORE if not any(rpc.name.startswith(verb) for rpc in rpcs().values())] == []
    assert [verb for verb, before in UNDONE_FIRST.items() if not undoes(verb, before)] == []


def said_by(message: Any, above: tuple[Any, ...] = ()) -> Iterator[Field]:
    """Yield every field of a request, at any depth."""
    for field in fields_of(message).values():
        yield field
        if field.message is not None and field.message not in above:
            yield from said_by(field.message, (*above, message))


def undoes(verb: str, before: str) -> bool:
    """Whether some RPC undoes what another of its service did."""
    found = [rpc for rpc in rpcs().values() if rpc.name.startswith(verb)]
    return any(sibling(rpc, rpc.name.replace(verb, before)) is not None for rpc in found)


def test_the_descriptors_and_the_policies_know_the_same_rpcs() -> None:
    assert {rpc.path for rpc in rpcs().values()} == set(POLICIES)
