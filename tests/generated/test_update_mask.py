"""Every Update RPC × every field of its resource: what cannot be changed is refused or stays, and nothing else moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.message import Message

from tests.generated import values
from tests.generated.answers import Answer
from tests.generated.contract import UPDATE_MASK, Field, Rpc, fields_of, rpcs
from tests.generated.ledger import changed
from tests.generated.recipes import FIELDS
from tests.generated.requests import Requests
from tests.generated.world import Scope, World
from trellis.policies import REASONS

UPDATES = [rpc for rpc in rpcs().values() if rpc.updates]
EVERY, NO_MASK = "*", "no mask"
ODD = [
    "no_such_field",
    "",
    "name.name",
    "displayName ",
    "display_name.",
    "*.*",
    "etag,name",
    "__class__",
    "create_time.seconds",
]


def resource_fields(rpc: Rpc) -> dict[str, Field]:
    """Return the fields of what an Update RPC updates."""
    return fields_of(rpc.body.message if rpc.body is not None else None)


def cases() -> Iterator[Any]:
    """Yield every Update RPC with every path."""
    for rpc in UPDATES:
        for path in [*resource_fields(rpc), EVERY, NO_MASK, *ODD]:
            yield pytest.param(rpc, path, id=f"{rpc}-{path or 'empty'}")


@dataclass
class Updating:
    """A resource and the request that would change all of it."""

    requests: Requests
    rpc: Rpc
    message: Any
    credentials: Any
    before: Message
    """The resource as it was."""

    def send(self, path: str) -> Answer:
        """Send everything, under a mask that names one path."""
        mask = getattr(self.message, UPDATE_MASK)
        del mask.paths[:]
        if path != NO_MASK:
            mask.paths.append(path)
        answer = self.requests.world.call(self.rpc, [self.message], self.credentials)
        self.requests.world.ledger.settle()
        return answer


def updating(requests: Requests, rpc: Rpc) -> Updating:
    """Make a resource, and a request with another value in each of its fields, those too that no client may set."""
    scope = requests.fresh_scope(rpc)
    assert rpc.body is not None
    (first,) = requests.valid(rpc, scope)
    credentials = requests.world.lasting(requests.credentials(rpc, scope))
    before = rpc.output.FromString(requests.world.call(rpc, [first], credentials).messages[0])
    (message,) = requests.valid(rpc, scope)
    resource = getattr(message, rpc.body.name)
    for field in fields_of(resource.DESCRIPTOR).values():
        if not field.repeated and "IDENTIFIER" not in field.behaviors and field.name != "etag":
            another(resource, field, before, requests.world, scope)
    requests.world.ledger.settle()
    return Updating(requests, rpc, message, credentials, before)


def another(resource: Any, field: Field, before: Message, world: World, scope: Scope) -> None:
    """Set a field to what it was not."""
    recipe = FIELDS.get(field.full_name)
    found = recipe(world, scope) if recipe and not field.holds_names else values.value(field, "another")
    if field.descriptor.enum_type is not None:
        numbers = [value.number for value in field.descriptor.enum_type.values if value.number]
        found = next((number for number in numbers if number != getattr(before, field.name)), found)
    if field.holds_names:  # another name would be somebody else's: that is what the foreign names are about
        found = getattr(resource, field.name)
    if field.message is None:
        setattr(resource, field.name, found)
    elif found is not None:
        getattr(resource, field.name).CopyFrom(found)


@pytest.fixture(scope="module")
def updatable() -> dict[str, Updating]:
    """What was refused and is as it was, by RPC: the next case takes it."""
    return {}


@pytest.mark.parametrize(("rpc", "path"), [*cases()])
def test_a_mask_changes_what_it_names_and_may(
    rpc: Rpc, path: str, requests: Requests, updatable: dict[str, Updating]
) -> None:
    case = updatable.pop(rpc.path, None) or updating(requests, rpc)
    ledger = requests.world.ledger
    stored = ledger.checksums()
    answer = case.send(path)
    if not answer.ok:
        assert answer.code.name == "INVALID_ARGUMENT", answer.words
        expected = refusals(rpc) if is_changeable(rpc, path) else ["REQUEST_INVALID"]
        assert answer.reason in expected, answer.words
        assert changed(stored, ledger.checksums()) == {}
        updatable[rpc.path] = case
        return
    assert is_changeable(rpc, path), f"{path} of {rpc} was taken"
    after = rpc.output.FromString(answer.messages[0])
    assert moved(case.before, after) <= allowed(rpc, path)


def refusals(rpc: Rpc) -> list[str]:
    """Return the reasons for which an RPC refuses a value of its own accord."""
    known = REASONS[rpc.policy.service]
    return [reason for reason in rpc.policy.reasons if known.get(reason) == "INVALID_ARGUMENT"]


def is_changeable(rpc: Rpc, path: str) -> bool:
    """Whether a mask may name a path."""
    field = resource_fields(rpc).get(path)
    return path in (EVERY, NO_MASK) or (field is not None and field.changeable)


def allowed(rpc: Rpc, path: str) -> set[str]:
    """Return the fields that may differ after an update under a mask of one path."""
    fields = resource_fields(rpc)
    named = {path} if path in fields else {name for name, field in fields.items() if field.changeable}
    return named | {"update_time", "etag"}


def moved(before: Any, after: Any) -> set[str]:
    """Return the fields that differ."""
    return {field.name for field in before.DESCRIPTOR.fields if getattr(before, field.name) != getattr(after, field.name)}


def test_every_update_is_tried_with_every_field() -> None:
    assert len([*cases()]) == sum(len(resource_fields(rpc)) + 2 + len(ODD) for rpc in UPDATES)
    assert {str(rpc) for rpc in rpcs().values() if UPDATE_MASK in rpc.fields} == {str(rpc) for rpc in UPDATES}
