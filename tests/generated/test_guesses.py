"""A thousand guesses at whatever opens something: few are looked at, none is right, and nobody else is locked out.

Which RPCs are guessed at follows from the contract: those whose request holds a secret that is only compared. One that is
set has to be long, so its rules say more than that there is one. What the limits of one account are worth against guesses
from everywhere is in `tests/e2e/test_guessing.py`.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from tests.generated import rest
from tests.generated.answers import Answer, answered, refused
from tests.generated.contract import Field, Rpc, leaves, rpcs, values_at
from tests.generated.requests import Requests, rename_at
from tests.generated.world import Metadata, World
from trellis.policies import REASONS

GUESSES, AT_ONCE = 1000, 16
LIMITED = ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
ELSEWHERE = "127.0.0.2"


def compared(rpc: Rpc) -> list[str]:
    """Return the paths of the secrets that an RPC only compares."""
    return [path for path, field in leaves(rpc.descriptor.input_type) if is_compared(field)]


def is_compared(field: Field) -> bool:
    """Whether a field holds a secret that somebody has, not one that is to be."""
    return field.secret and "OUTPUT_ONLY" not in field.behaviors and field.rules.string.min_len <= 1


GUESSED = [rpc for rpc in rpcs().values() if rpc.access != "internal" and compared(rpc)]
LIMITS = [rpc for rpc in GUESSED if rpc.policy.rate_limit is not None]
BY_ADDRESS = [rpc for rpc in GUESSED if rpc.policy.rate_limit is not None and rpc.policy.rate_limit.key == "address"]


@pytest.fixture(scope="module")
def edge(world: World) -> Iterator[Any]:
    """The door that strangers come through."""
    with grpc.insecure_channel(world.platform.target) as channel:
        yield channel


def guesses(rpc: Rpc, right: Message) -> Iterator[Message]:
    """Yield the right request with a secret that is nearly right."""
    while True:
        guess = deepcopy(right)
        for path in compared(rpc):
            rename_at(guess, path, lambda secret: secret[:-8] + secrets.token_urlsafe(6))
        yield guess


def asked(edge: Any, rpc: Rpc, guess: Message, credentials: Metadata) -> Answer:
    """Make one guess."""
    try:
        call = edge.unary_unary(rpc.path, lambda message: message.SerializeToString())
        return answered([call(guess, metadata=credentials, timeout=15)])
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and error.details() == "local_rate_limited":
            return Answer(error.code(), reason="RATE_LIMITED")  # to gRPC callers the edge says no more
        return refused(error)


@pytest.mark.parametrize("rpc", LIMITS, ids=str)
def test_a_thousand_guesses_stay_inside_the_limit(rpc: Rpc, requests: Requests, edge: Any) -> None:
    limit = rpc.policy.rate_limit
    assert limit is not None
    scope = requests.fresh_scope(rpc)
    [right], credentials = requests.valid(rpc, scope), requests.credentials(rpc, scope)
    made, began_s = guesses(rpc, right), time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        wrong = [next(made) for _ in range(GUESSES)]
        answers = list(threads.map(lambda guess: asked(edge, rpc, guess, credentials), wrong))
    flowed = limit.refill * (time.monotonic() - began_s) / limit.per_s
    verdicts = Counter(answer.verdict for answer in answers)
    assert GUESSES - verdicts[LIMITED] <= limit.burst + flowed + 1, verdicts
    assert set(verdicts) <= {LIMITED, *may_be_told(rpc)}, verdicts


def may_be_told(rpc: Rpc) -> set[tuple[str, str]]:
    """Return how an RPC may refuse a wrong secret: for its own reasons, or because it is busy."""
    known = {**REASONS["common"], **REASONS[rpc.policy.service]}
    return {("RESOURCE_EXHAUSTED", "OVERLOADED"), *((known[reason], reason) for reason in rpc.policy.reasons)}


@pytest.mark.parametrize("rpc", [rpc for rpc in BY_ADDRESS if rpc.bindings], ids=str)
def test_whoever_has_the_secret_is_not_locked_out_by_who_guesses(rpc: Rpc, requests: Requests, edge: Any) -> None:
    """Guesses from one address use up that address; from another, the right secret opens."""
    scope = requests.fresh_scope(rpc)
    [right], credentials = requests.valid(rpc, scope), requests.credentials(rpc, scope)
    made = guesses(rpc, right)
    while asked(edge, rpc, next(made), credentials).verdict != LIMITED:
        pass
    verb, path, body = rest.written(rpc.bindings[0], right)
    status, said = requests.world.rest(verb, path, body, credentials, from_=ELSEWHERE)
    assert status == 200, said


def test_whatever_can_be_guessed_has_a_limit() -> None:
    """A secret that may be tried without end is found in the end: what compares one has a limit in the contract."""
    assert [str(rpc) for rpc in GUESSED if rpc.policy.rate_limit is None] == []
    assert len(BY_ADDRESS) >= 6


def test_a_guess_is_not_the_secret(requests: Requests) -> None:
    """The cases above can fail: what is sent differs from what is right in the secret alone."""
    for rpc in BY_ADDRESS[:1]:
        [right] = requests.valid(rpc, requests.fresh_scope(rpc))
        guess = next(guesses(rpc, right))
        for path in compared(rpc):
            assert [*values_at(guess, path)] != [*values_at(right, path)]
