"""Everything that organization B has, tried by the owner of A in every place where a request can say a name.

Nothing of B is answered, nothing of B changes, and what exists is told apart from what does not by nobody.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.message import Message

from tests.generated.answers import Answer
from tests.generated.contract import (
    FILTER,
    PAGE_TOKEN,
    REQUEST_ID,
    Field,
    Rpc,
    creator,
    fields_of,
    leaves,
    resources,
    rpcs,
    values_at,
)
from tests.generated.recipes import GLOBAL
from tests.generated.requests import Requests, set_at, unknown
from tests.generated.world import Scope, World, bearer

OPEN = [rpc for rpc in rpcs().values() if rpc.access != "internal"]
LISTS = [rpc for rpc in OPEN if PAGE_TOKEN in rpc.fields]
NAMES = [(rpc, path, field) for rpc in OPEN for path, field in rpc.names.items()]
MADE_OTHERWISE = ("trellis.dev/Domain", "trellis.dev/PersonalDataExport")
"""What no Create RPC makes, and what one has many of."""
IN_ONE_FILTER, LONGEST_FILTER = 8, 1000
OF_EACH = 2
"""So many that a list of them has a second page."""


@dataclass(frozen=True)
class Theirs:
    """Organization B, with some of everything."""

    eve: Scope
    names: list[str]
    """Every name that B's own calls answer with."""

    @property
    def marks(self) -> list[str]:
        """What nobody but B may be told."""
        return [*(name.rpartition("/")[2] for name in self.names), self.eve.person.email, self.eve.mark]


@pytest.fixture(scope="module")
def theirs(world: World, requests: Requests) -> Theirs:
    """Fill B, and let its owner read everything there is."""
    eve = world.eve
    world.signed_in(eve.person.email)
    world.scope(eve.person, eve.mark)
    for kind in dict.fromkeys([*resources(), *MADE_OTHERWISE]):
        for _ in range(OF_EACH if creator(kind) or kind in MADE_OTHERWISE else 0):
            requests.made(kind, eve)
    answers = [(rpc, requests.served(rpc, eve)) for rpc in LISTS]
    assert [str(rpc) for rpc, answer in answers if not answer.ok] == []
    told = [name for rpc, answer in answers for name in names_in(rpc.output.FromString(answer.messages[0]))]
    everybodys = {name for name in told if not name.startswith(("organizations/", "users/", "operations/"))}
    return Theirs(eve, [name for name in dict.fromkeys([*eve.names, *told]) if name not in everybodys])


def names_in(message: Message) -> Iterator[str]:
    """Yield every resource name that an answer holds."""
    for path, field in leaves(message.DESCRIPTOR):
        if field.holds_names:
            yield from (name for name in values_at(message, path) if name)


class Attempts:
    """A valid request of A's owner, in which one field can be said otherwise.

    Made anew when it is refused after it had an effect, which may have used it up: what is refused must have been good.
    """

    def __init__(self, requests: Requests, rpc: Rpc) -> None:
        self._requests, self._rpc = requests, rpc
        self._prepare()

    def with_(self, path: str, value: str) -> Answer:
        """Send it with a value at a path."""
        answer = self._sent(path, value)
        if (self._used and not answer.ok) or answer.reason == "RATE_LIMITED":
            self._prepare()
            answer = self._sent(path, value)
        self._used |= answer.ok and self._rpc.mutates
        return answer

    def _sent(self, path: str, value: str) -> Answer:
        first, *rest = deepcopy(self._messages)
        set_at(first, path, value)
        if REQUEST_ID in self._rpc.fields:
            setattr(first, REQUEST_ID, str(uuid.uuid4()))
        return self._requests.world.call(self._rpc, [first, *rest], self._credentials)

    def _prepare(self) -> None:
        requests, rpc = self._requests, self._rpc
        scope = requests.fresh_scope(rpc) if rpc.mutates else requests.world.ada
        self._messages, self._credentials = requests.valid(rpc, scope), requests.credentials(rpc, scope)
        self._used = False


def assert_nothing_comes_of(theirs: Theirs, rpc: Rpc, send: Callable[[str], Answer], real: str, unreal: str) -> None:
    """What is B's is answered like what is nobody's, and without a word about B."""
    found, missing = send(real), send(unreal)
    assert found.verdict == missing.verdict, (real, found.words, missing.words)
    if not (found.ok and rpc.mutates):  # a new resource has a new name each time
        assert found.without([real]) == missing.without([unreal]), real
    assert [mark for mark in found.tells(theirs.marks) if mark not in real] == [], real


@pytest.mark.parametrize(("rpc", "path", "field"), NAMES, ids=[f"{rpc}-{path}" for rpc, path, _ in NAMES])
def test_a_name_of_theirs_is_a_name_of_nothing(
    rpc: Rpc, path: str, field: Field, theirs: Theirs, requests: Requests
) -> None:
    world, own = requests.world, Attempts(requests, rpc)
    world.ledger.settle()
    before = world.ledger.checksums_of(theirs.names)
    for name in told_apart(theirs.names, field):
        if field.full_name not in GLOBAL or not resources()[field.reference].is_name(name):
            assert_nothing_comes_of(theirs, rpc, lambda value: own.with_(path, value), name, unknown(name))
    world.ledger.settle()
    assert world.ledger.checksums_of(theirs.names) == before


def told_apart(names: list[str], field: Field) -> list[str]:
    """Return every name that the rules of a field allow, and one of each other kind: those are all refused alike."""
    kinds = {re.sub(r"[^/]*_[^/]*", "*", name): name for name in names}
    return [name for name in names if field.matches(name) or name in kinds.values()]


@pytest.mark.parametrize("rpc", [rpc for rpc in LISTS if FILTER in rpc.fields], ids=str)
def test_a_filter_finds_nothing_of_theirs(rpc: Rpc, theirs: Theirs, requests: Requests) -> None:
    own = Attempts(requests, rpc)
    for field in texts_of(rpc):
        for real in [*in_groups(theirs.names), [theirs.eve.person.email]]:
            unreal = any_of(field, map(unknown, real))
            assert_nothing_comes_of(theirs, rpc, lambda value: own.with_(FILTER, value), any_of(field, real), unreal)


def in_groups(names: list[str]) -> Iterator[list[str]]:
    """Yield as many names at a time as a filter can hold."""
    for first in range(0, len(names), IN_ONE_FILTER):
        yield names[first : first + IN_ONE_FILTER]


def any_of(field: str, values: Iterable[str]) -> str:
    """Return the filter of those whose field is one of the values."""
    wanted = " OR ".join(f'{field} = "{value}"' for value in values)
    assert len(wanted) <= LONGEST_FILTER
    return wanted


def texts_of(rpc: Rpc) -> list[str]:
    """Return the fields of what a list lists that hold text."""
    (listed,) = [field for field in fields_of(rpc.descriptor.output_type).values() if field.repeated and field.message]
    return [name for name, field in fields_of(listed.message).items() if field.is_text]


@pytest.mark.parametrize("rpc", LISTS, ids=str)
def test_a_page_token_of_theirs_opens_nothing(rpc: Rpc, theirs: Theirs, requests: Requests) -> None:
    own = Attempts(requests, rpc)
    token = next_page(requests, rpc, theirs)
    found, made_up = own.with_(PAGE_TOKEN, token), own.with_(PAGE_TOKEN, token[:-4] + "AAAA")
    assert found.verdict == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
    assert found == made_up


@pytest.mark.parametrize("rpc", LISTS, ids=str)
def test_a_page_token_of_theirs_opens_nothing_in_their_own_request(rpc: Rpc, theirs: Theirs, requests: Requests) -> None:
    message, token = their_list(requests, rpc, theirs), next_page(requests, rpc, theirs)
    set_at(message, PAGE_TOKEN, token)
    answer = requests.world.call(rpc, [message], bearer(requests.world.ada.token))
    assert answer.code.name in ("PERMISSION_DENIED", "NOT_FOUND", "INVALID_ARGUMENT")
    assert answer.tells([theirs.eve.person.email, theirs.eve.mark]) == []


def their_list(requests: Requests, rpc: Rpc, theirs: Theirs) -> Any:
    """Return B's own request for the first, short page of a list."""
    message: Any = requests.valid(rpc, theirs.eve)[0]
    message.page_size = 1
    return message


def next_page(requests: Requests, rpc: Rpc, theirs: Theirs) -> str:
    """Return the page token that B gets."""
    message = their_list(requests, rpc, theirs)
    answer = requests.world.call(rpc, [message], requests.credentials(rpc, theirs.eve))
    assert answer.ok, answer.words
    token = str(getattr(rpc.output.FromString(answer.messages[0]), f"next_{PAGE_TOKEN}"))
    assert token, f"{rpc} lists only one: let RESOURCES in tests/generated/recipes.py make another each time"
    return token


def test_every_place_for_a_name_is_tried() -> None:
    assert len(NAMES) == sum(len(rpc.names) for rpc in rpcs().values() if rpc.access != "internal")
    assert {rpc.path for rpc in rpcs().values() if rpc.policy.resources and rpc.access != "internal"} <= {
        rpc.path for rpc, _, _ in NAMES
    }


def test_what_may_be_foreign_is_in_the_contract() -> None:
    assert set(GLOBAL) <= {field.full_name for _, _, field in NAMES}
