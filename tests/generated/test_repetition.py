"""Every mutation that may be sent again: one effect, one event, one answer; and a rehearsal has none."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from google.protobuf.message import Message

from tests.generated.answers import Answer
from tests.generated.columns import CALLERS
from tests.generated.contract import VALIDATE_ONLY, Rpc, rpcs
from tests.generated.ledger import Checksums, changed, grown
from tests.generated.requests import Requests, altered
from tests.generated.world import Metadata, World

REPEATABLE = [rpc for rpc in rpcs().values() if rpc.policy.repeatable == "by_request_id"]
AT_ONCE = 20


@dataclass
class Case:
    """One valid request of the right caller, in an organization of its own, not sent yet."""

    world: World
    rpc: Rpc
    messages: list[Message]
    credentials: Metadata
    before: Checksums

    def send(self, messages: list[Message] | None = None) -> Answer:
        """Send it, or another in its place, and wait for everything that follows."""
        answer = self.world.call(self.rpc, messages or self.messages, self.credentials)
        self.world.ledger.settle()
        return answer

    def send_at_once(self, times: int) -> list[Answer]:
        """Send it many times at the same moment, and wait for everything that follows."""
        answers = self.world.call_at_once(self.rpc, self.messages, self.credentials, times)
        self.world.ledger.settle()
        return answers

    def effect(self) -> dict[str, int]:
        """Return the rows and events that came since the beginning."""
        return grown(self.before, self.world.ledger.checksums())


def prepared(requests: Requests, rpc: Rpc) -> Case:
    """Make everything that the request needs. The token is one that no effect of the request ends."""
    scope = requests.fresh_scope(rpc)
    messages = requests.valid(rpc, scope)
    credentials = requests.credentials(rpc, scope)
    if rpc.access in CALLERS:
        credentials = requests.world.lasting(credentials)
    requests.world.ledger.settle()
    requests.world.ledger.forget_limits()
    return Case(requests.world, rpc, messages, credentials, requests.world.ledger.checksums())


@pytest.mark.parametrize("rpc", REPEATABLE, ids=str)
def test_a_repetition_gets_the_first_answer_and_has_no_effect(rpc: Rpc, requests: Requests) -> None:
    case = prepared(requests, rpc)
    first = case.send()
    assert first.ok, first.words
    after = case.world.ledger.checksums()
    assert case.send() == first
    assert changed(after, case.world.ledger.checksums()) == {}


@pytest.mark.parametrize("rpc", REPEATABLE, ids=str)
def test_another_request_under_the_same_id_is_refused(rpc: Rpc, requests: Requests) -> None:
    case = prepared(requests, rpc)
    case.send()
    after = case.world.ledger.checksums()
    other = case.send(altered(rpc, case.messages))
    assert other.verdict == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED"), other.words
    assert changed(after, case.world.ledger.checksums()) == {}


@pytest.mark.parametrize("rpc", REPEATABLE, ids=str)
def test_twenty_at_once_have_the_effect_of_one(rpc: Rpc, requests: Requests) -> None:
    alone = prepared(requests, rpc)
    assert alone.send().ok
    effect = alone.effect()
    together = prepared(requests, rpc)
    answers = together.send_at_once(calls_at_once(rpc))
    assert {answer.verdict for answer in answers} == {("OK", "")}, {answer.words for answer in answers}
    assert len({answer.messages for answer in answers}) == 1
    assert together.effect() == effect


def calls_at_once(rpc: Rpc) -> int:
    """Return how many calls one caller may make at once."""
    limit = rpc.policy.rate_limit
    return min(AT_ONCE, limit.burst) if limit is not None and limit.key == "caller" else AT_ONCE


@pytest.mark.parametrize("rpc", REPEATABLE, ids=str)
def test_a_rehearsal_answers_and_leaves_nothing(rpc: Rpc, requests: Requests) -> None:
    case = prepared(requests, rpc)
    for message in case.messages:
        setattr(message, VALIDATE_ONLY, True)
    rehearsal = case.send()
    assert rehearsal.ok, rehearsal.words
    assert changed(case.before, case.world.ledger.checksums()) == {}


def test_every_mutation_may_be_repeated_or_says_that_it_may_not() -> None:
    mutations = [rpc for rpc in rpcs().values() if rpc.mutates]
    never = [str(rpc) for rpc in mutations if rpc.policy.repeatable == "never"]
    assert len(REPEATABLE) + len(never) == len(mutations)
    assert len(REPEATABLE) >= 15
