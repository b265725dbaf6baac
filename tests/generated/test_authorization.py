"""Every RPC × everybody who is not let: refused as declared, whether or not what they name exists, without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message

from tests.generated import rest
from tests.generated.answers import Answer, by_rest
from tests.generated.columns import BY_REST, COLUMNS, DENIED, STRANGER, Column
from tests.generated.contract import Rpc, rpcs, values_at
from tests.generated.ledger import changed
from tests.generated.requests import Requests, renamed
from tests.generated.world import Metadata, World
from trellis.policies import REASONS

STATUSES = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403}


def cases(columns: list[Column], *, bound: bool = False) -> Iterator[Any]:
    """Yield each RPC with each column that it is in."""
    for rpc in rpcs().values():
        for column in columns:
            if column.has(rpc) and (rpc.bindings or not bound):
                yield pytest.param(rpc, column, id=f"{rpc}-{column}")


DENIALS = [*cases(COLUMNS)]
STRANGERS = [*cases([STRANGER])]
DENIALS_BY_REST = [*cases(BY_REST, bound=True)]


class Asked:
    """One request twice: about what exists, and about what does not."""

    def __init__(self, requests: Requests, rpc: Rpc) -> None:
        world = requests.world
        self.real = requests.valid(rpc, world.ada)
        self.unreal = renamed(rpc, self.real)
        self.names = [name for form in (self.real, self.unreal) for name in names_in(rpc, form)]
        world.ledger.settle()


def names_in(rpc: Rpc, messages: list[Message]) -> list[str]:
    """Return every resource name that a request says."""
    return [name for message in messages for path in rpc.names for name in values_at(message, path) if name]


@pytest.fixture(scope="module")
def asked(requests: Requests) -> Any:
    """Requests by RPC, made once for all columns."""
    made: dict[str, Asked] = {}

    def ask(rpc: Rpc) -> Asked:
        return made.get(rpc.path) or made.setdefault(rpc.path, Asked(requests, rpc))

    return ask


@pytest.mark.parametrize(("rpc", "column"), DENIALS)
def test_denied(rpc: Rpc, column: Column, world: World, asked: Any) -> None:
    form, credentials = asked(rpc), column.credentials(world, rpc)
    before = world.ledger.checksums()
    real, unreal = (world.call(rpc, messages, credentials) for messages in (form.real, form.unreal))
    assert real.verdict == column.verdict, real.words
    assert real.without(form.names) == unreal.without(form.names)
    if column.verdict == DENIED and rpc.access == "permission":
        assert dict(real.metadata) == {"permission": rpc.policy.permission}
    assert changed(before, world.ledger.checksums()) == {}


@pytest.mark.parametrize(("rpc", "column"), STRANGERS)
def test_a_stranger_learns_and_changes_nothing(rpc: Rpc, column: Column, world: World, asked: Any) -> None:
    """What needs no permission is refused by its handler, for a declared reason, or answers as if nothing were there."""
    form, credentials = asked(rpc), column.credentials(world, rpc)
    before = world.ledger.checksums()
    real, unreal = (world.call(rpc, messages, credentials) for messages in (form.real, form.unreal))
    assert real.without(form.names) == unreal.without(form.names)
    assert may_be_told(rpc, real), real.words
    assert real.tells([world.ada.person.email]) == []
    assert changed(before, world.ledger.checksums()) == {}


def may_be_told(rpc: Rpc, answer: Answer) -> bool:
    """Whether a stranger may be answered so: refused for a declared reason, or by a read that is the same for everybody."""
    if answer.ok:
        return not rpc.mutates
    declared = {reason: {**REASONS["common"], **REASONS[rpc.policy.service]}[reason] for reason in rpc.policy.reasons}
    allowed = {(code, reason) for reason, code in declared.items() if code in ("PERMISSION_DENIED", "NOT_FOUND")}
    return answer.verdict in {DENIED, *allowed}


@pytest.mark.parametrize(("rpc", "column"), DENIALS_BY_REST)
def test_denied_by_rest(rpc: Rpc, column: Column, world: World, asked: Any) -> None:
    form, credentials = asked(rpc), column.credentials(world, rpc)
    before = world.ledger.checksums()
    for rule in rpc.bindings:
        real, unreal = (sent(world, rule, messages[0], credentials) for messages in (form.real, form.unreal))
        code, reason = column.verdict
        assert real[:2] == (STATUSES[code], reason), real
        assert masked(real, form.names) == masked(unreal, form.names)
    assert changed(before, world.ledger.checksums()) == {}


def sent(world: World, rule: Any, message: Message, credentials: Metadata) -> tuple[int, str, str]:
    """Return how the edge answers."""
    return by_rest(*world.rest(*rest.written(rule, message), credentials))


def masked(answer: tuple[int, str, str], names: list[str]) -> tuple[int, str, str]:
    """Return the answer without the names that the request sent."""
    status, reason, words = answer
    for name in sorted(names, key=len, reverse=True):
        words = words.replace(name, "…")
    return status, reason, words


def test_the_matrix_is_whole() -> None:
    """Nothing is left out but by the rule of a column: each RPC is in every column of its kind of access."""
    kinds = {
        "public": 0,
        "signed_in": sum("signed_in" in column.access for column in COLUMNS),
        "permission": sum("permission" in column.access for column in COLUMNS),
        "internal": sum("internal" in column.access for column in COLUMNS),
    }
    left_out = sum(rpc.access in column.access and not column.applies(rpc) for rpc in rpcs().values() for column in COLUMNS)
    assert len(DENIALS) == sum(kinds[rpc.access] for rpc in rpcs().values()) - left_out
    assert min(kinds["signed_in"], kinds["internal"]) >= 8
    assert kinds["permission"] >= 13


def test_what_needs_a_permission_names_where() -> None:
    """A permission counts in one organization: a request that named none would be let by every token that carries it."""
    assert [str(rpc) for rpc in rpcs().values() if rpc.access == "permission" and not rpc.needed_names] == []
