"""What counts as a guess, whose it is, and where it comes from."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.chassis import guesses
from services.chassis.errors import InvalidArgument, ResourceExhausted, Unauthenticated
from services.chassis.guesses import Guess, LocalBuckets
from services.chassis.networks import network_of
from services.chassis.principal import Principal
from services.chassis.rpc.guesses import AT_ONCE, guess_limited
from services.chassis.rpc.limits import RateLimited
from services.chassis.rpc.middleware import Call, Handler, Method
from tests.conftest import Time
from trellis.auth.v1 import service_pb2 as rpc
from trellis.policies import POLICIES, Bucket, GuessLimit

FROM = {"x-forwarded-for": "203.0.113.7"}
SIGN_IN = rpc.SignInRequest(email=" ADA@Example.com", password="x")


class Wrong(Unauthenticated):
    """The answer to a wrong guess."""

    reason = "CREDENTIALS_INVALID"


class Counter:
    """Notes what it is told; `wait_s` is what it says to wait."""

    def __init__(self, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        self.said: list[tuple[str, ...]] = []

    async def begin(self, guess: Guess, limit: GuessLimit) -> float:
        self.said.append(("begin", guess.rpc, guess.account, guess.address))
        return self.wait_s

    async def undo(self, guess: Guess, limit: GuessLimit) -> None:
        self.said.append(("undo", guess.rpc, guess.account, guess.address))

    async def prove(self, account: str, address: str) -> None:
        self.said.append(("prove", account, address))


def around(counter: Counter | None, name: str, handle: Handler) -> Handler:
    nothing: Any = None
    policy = POLICIES[f"/trellis.auth.v1.AuthService/{name}"]
    method = Method(policy, nothing, nothing, streams_in=False, streams_out=False, name=name)
    return guess_limited(counter)(handle, method)


def call(request: Any = SIGN_IN, caller: str = "") -> Call:
    return Call(request, None, FROM, Principal(caller))  # type: ignore[arg-type]


async def right(_: Call) -> str:
    return "answer"


async def test_a_right_guess_is_taken_back_and_proves_the_address() -> None:
    counter = Counter()

    assert await around(counter, "SignIn", right)(call()) == "answer"

    guess = ("SignIn", "ada@example.com", "203.0.113.7")
    assert counter.said == [("begin", *guess), ("undo", *guess), ("prove", "ada@example.com", "203.0.113.7")]


async def test_a_wrong_guess_stays_counted() -> None:
    counter = Counter()

    async def wrong(_: Call) -> str:
        raise Wrong("no")

    with pytest.raises(Wrong):
        await around(counter, "SignIn", wrong)(call())

    assert [what for what, *_ in counter.said] == ["begin"]


@pytest.mark.parametrize("error", [InvalidArgument("bad"), ResourceExhausted("full"), ConnectionError("away")])
async def test_what_nobody_looked_at_is_taken_back_and_proves_nothing(error: Exception) -> None:
    counter = Counter()

    async def refused(_: Call) -> str:
        raise error

    with pytest.raises(type(error)):
        await around(counter, "SignIn", refused)(call())

    assert [what for what, *_ in counter.said] == ["begin", "undo"]


async def test_a_guess_that_is_given_up_stays_counted() -> None:
    counter = Counter()

    async def hang(_: Call) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    running = asyncio.ensure_future(around(counter, "SignIn", hang)(call()))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert [what for what, *_ in counter.said] == ["begin"]


async def test_right_guesses_at_once_do_not_use_up_the_bucket() -> None:
    counter, held = Counter(), 0

    async def slow(_: Call) -> str:
        nonlocal held
        taken = sum(1 if what == "begin" else -1 for what, *_ in counter.said if what != "prove")
        held = max(held, taken)
        await asyncio.sleep(0)
        return "answer"

    looking = around(counter, "SignIn", slow)
    answers = await asyncio.gather(*(looking(call()) for _ in range(50)))

    assert answers == ["answer"] * 50
    assert held == AT_ONCE


async def test_too_many_are_refused_before_anybody_looks() -> None:
    async def never(_: Call) -> str:
        raise AssertionError

    with pytest.raises(RateLimited) as refused:
        await around(Counter(wait_s=41.6), "SignIn", never)(call())

    assert (refused.value.reason, refused.value.retry_after_s) == ("RATE_LIMITED", 41.6)
    assert refused.value.metadata == {"retry_after_s": "42"}


async def test_whoever_changes_a_password_guesses_at_their_own() -> None:
    counter = Counter()

    await around(counter, "ChangePassword", right)(call(rpc.ChangePasswordRequest(), "users/usr_ada"))

    assert counter.said[0] == ("begin", "ChangePassword", "users/usr_ada", "203.0.113.7")


async def test_a_link_says_itself_whose_it_is() -> None:
    counter = Counter()

    async def reset(_: Call) -> str:
        guesses.proved("ADA@example.com")
        return ""

    await around(counter, "ResetPassword", reset)(call(rpc.ResetPasswordRequest()))

    assert counter.said[0] == ("begin", "ResetPassword", "", "203.0.113.7")
    assert ("prove", "ada@example.com", "203.0.113.7") in counter.said


async def test_what_takes_no_secret_is_left_alone() -> None:
    assert around(Counter(), "SignUp", right) is right
    assert around(None, "SignIn", right) is right


def test_nobody_proves_anything_outside_of_a_guess() -> None:
    guesses.proved("ada@example.com")


@pytest.mark.parametrize(
    ("forwarded", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("garbage,203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, garbage", ""),
        ("", ""),
    ],
)
def test_only_the_last_hop_says_where_a_call_came_from(forwarded: str, network: str) -> None:
    assert network_of(forwarded) == network


def test_buckets_of_one_process_empty_and_fill(time: Time) -> None:
    local = LocalBuckets(lambda: time().timestamp())
    small, large = ("a", Bucket(2, 2, 60.0)), ("b", Bucket(3, 3, 60.0))

    assert [local.take([small, large]) for _ in range(3)] == [0, 0, 30.0]
    assert local.take([large]) == 0, "who is refused by one bucket takes from none"
    time.move(seconds=30)
    assert local.take([small]) == 0
    local.give([small])
    local.give([small])
    local.give([small])
    assert [local.take([small]) for _ in range(3)] == [0, 0, 30.0], "no bucket holds more than it may"
