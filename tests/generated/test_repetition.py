"""Every mutation that may be sent again: one effect, one event, one answer; and a rehearsal has none."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from google.protobuf.message import Message

from tests.e2e.client import PASSWORD
from tests.generated.answers import Answer
from tests.generated.contract import VALIDATE_ONLY, Rpc, rpcs
from tests.generated.ledger import Checksums, changed, grown
from tests.generated.requests import Requests, altered
from tests.generated.world import Metadata, Scope, World, bearer

REFUSED = {"UNAUTHENTICATED", "PERMISSION_DENIED"}
REPEATABLE = [rpc for rpc in rpcs().values() if rpc.policy.repeatable == "by_request_id"]
AT_ONCE = 20


ENDS_ITS_CALLER = ("LeaveOrganization", "ErasePersonalData", "DeactivateUser", "DeleteUser")
"""Once these are done, the caller may not ask again: a repetition is refused, and changes nothing."""


@dataclass
class Case:
    """One valid request of the right caller, in an organization of its own, not sent yet."""

    requests: Requests
    rpc: Rpc
    scope: Scope
    messages: list[Message]
    credentials: Metadata
    before: Checksums

    @property
    def world(self) -> World:
        """Where it is sent."""
        return self.requests.world

    def send(self, messages: list[Message] | None = None) -> Answer:
        """Send it, or another in its place, and wait for everything that follows."""
        answer = self.world.call(self.rpc, messages or self.messages, self.credentials)
        self.world.ledger.settle()
        return answer

    def return_(self) -> None:
        """Come back as the same person, with a session and a token of now: the mutation may have ended those of before."""
        if self.rpc.access in ("public", "internal"):
            return
        person = self.world.signed_in(self.scope.person.email, self.password)
        here = self.scope.organization
        self.credentials = bearer(self.world.switch(person, here) if here else person.token)

    @property
    def password(self) -> str:
        """The password of now."""
        return str(getattr(self.messages[0], "new_password", "") or PASSWORD)

    @property
    def ends_its_caller(self) -> bool:
        """Whether nobody is left who could ask again."""
        return self.rpc.name in ENDS_ITS_CALLER

    def send_at_once(self, times: int) -> list[Answer]:
        """Send it many times at the same moment, and wait for everything that follows."""
        answers = self.world.call_at_once(self.rpc, self.messages, self.credentials, times)
        self.world.ledger.settle()
        return answers

    def effect(self) -> dict[str, int]:
        """Return the rows and events that came since the beginning."""
        return grown(self.before, self.world.ledger.checksums())


def prepared(requests: Requests, rpc: Rpc) -> Case:
    """Make everything that the request needs."""
    scope = requests.fresh_scope(rpc)
    messages, credentials = requests.valid(rpc, scope), requests.credentials(rpc, scope)
    requests.world.ledger.settle()
    return Case(requests, rpc, scope, messages, credentials, requests.world.ledger.checksums())


@pytest.mark.parametrize("rpc", REPEATABLE, ids=str)
def test_a_repetition_gets_the_first_answer_and_has_no_effect(rpc: Rpc, requests: Requests) -> None:
    case = prepared(requests, rpc)
    first = case.send()
    assert first.ok, first.words
    if not case.ends_its_caller:
        case.return_()
    after = case.world.ledger.checksums()
    again = case.send()
    if case.ends_its_caller:
        assert again.code.name in REFUSED, again.words
    else:
        assert again == first
    assert changed(after, case.world.ledger.checksums()) == {}


@pytest.mark.parametrize("rpc", REPEATABLE, ids=str)
def test_another_request_under_the_same_id_is_refused(rpc: Rpc, requests: Requests) -> None:
    case = prepared(requests, rpc)
    case.send()
    if not case.ends_its_caller:
        case.return_()
    after = case.world.ledger.checksums()
    other = case.send(altered(rpc, case.messages))
    if case.ends_its_caller:
        assert other.code.name in REFUSED, other.words
    else:
        assert other.verdict == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED"), other.words
    assert changed(after, case.world.ledger.checksums()) == {}


@pytest.mark.parametrize("rpc", REPEATABLE, ids=str)
def test_twenty_at_once_have_the_effect_of_one(rpc: Rpc, requests: Requests) -> None:
    alone = prepared(requests, rpc)
    assert alone.send().ok
    effect = alone.effect()
    together = prepared(requests, rpc)
    answers = together.send_at_once(calls_at_once(rpc))
    served = [answer for answer in answers if answer.ok]
    allowed = REFUSED | ({"RESOURCE_EXHAUSTED"} if rpc.policy.rate_limit else set())
    assert {answer.code.name for answer in answers if not answer.ok} <= allowed, {answer.words for answer in answers}
    assert len({answer.messages for answer in served}) == 1  # who came late may be let no more, and nobody is told otherwise
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
