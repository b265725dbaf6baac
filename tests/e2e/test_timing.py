"""Nobody can tell by the time whether an address has an account.

A statistical test, not one of speed: calls about known and unknown addresses are made in turn, in an order that is drawn,
and the test asks how well the time tells them apart. AUC is the chance that a call about a known address took longer than
one about an unknown one: 0.5 says nothing, 0 and 1 say all. Without a difference it strays from 0.5 by 0.1 in one of a
million runs of 400 pairs (Mann-Whitney: a deviation of sqrt((2n+1)/12n²) = 0.02), however slow or busy the machine is. One
INSERT more for a known address was 0.70 here; a hash of a password that is skipped is more than 0.99.
"""

from __future__ import annotations

import ipaddress
import itertools
import random
import time
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from tests.e2e.client import PASSWORD, new_email, sign_up
from tests.e2e.platform import Platform
from trellis.auth.v1 import service_pb2 as rpc
from trellis.auth.v1.service_pb2_grpc import AuthServiceStub

AUC_MAY_STRAY_BY = 0.1
PAIRS, MOST_PAIRS = 50, 400
CALLS_EACH = 8
"""So many calls about one address are answered in full: no limit of guesses and none of mails is reached."""

Call = Callable[[str, str], object]
"""Makes a call about an address of mail, coming from a network address."""


@pytest.fixture(scope="module")
def auth(platform: Platform) -> Iterator[Any]:
    """Auth at its own port, where the test says where calls come from."""
    with grpc.insecure_channel(f"127.0.0.1:{platform.home.ports['auth_a']}") as channel:
        yield AuthServiceStub(channel)


def called(method: Any, make: Callable[[str], Any], expected: tuple[grpc.StatusCode, str]) -> Call:
    """Return a call of a method that must be answered with `expected`."""

    def call(email: str, origin: str) -> None:
        assert answered(lambda: method(make(email), metadata=(("x-forwarded-for", origin),))) == expected

    return call


def answered(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    """Return the code and message of an answer."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), str(error.details())
    return grpc.StatusCode.OK, ""


def origins() -> Iterator[str]:
    """Return network addresses from which nobody has called: their limits are not reached either."""
    return (str(address) for address in ipaddress.ip_network("10.0.0.0/8").hosts())


def accounts(platform: Platform) -> Iterator[str]:
    """Return addresses that have an account, each a few times."""
    while True:
        yield from [sign_up(platform.rest, platform.mail).email] * CALLS_EACH


def unfinished(auth: Any) -> Iterator[str]:
    """Return addresses that signed up and did not follow their link, each a few times."""
    while True:
        email = new_email()
        auth.SignUp(rpc.SignUpRequest(email=email, password=PASSWORD, display_name="Unfinished"))
        yield from [email] * CALLS_EACH


def both(*kinds: Iterator[str]) -> Iterator[str]:
    """Return addresses of all kinds in turn."""
    return itertools.chain.from_iterable(zip(*kinds, strict=True))


def auc(known: list[float], unknown: list[float]) -> float:
    """Return the chance that one of `known` is greater than one of `unknown`; what is equal counts half."""
    ranked = sorted(unknown)
    wins = sum(bisect_left(ranked, each) + bisect_right(ranked, each) for each in known)
    return wins / (2 * len(known) * len(unknown))


def told_apart(call: Call, addresses: Iterator[str]) -> float:
    """Return how well the time tells known from unknown addresses; asks on while that is too well to be chance."""
    draw, origin = random.Random(7), origins()
    known: list[float] = []
    unknown: list[float] = []
    for _ in range(5):
        call(new_email(), next(origin))  # the first calls warm caches up
    while len(known) < MOST_PAIRS:
        for _ in range(PAIRS):
            pair = [(known, next(addresses)), (unknown, new_email())]
            for times, email in draw.sample(pair, 2):
                times.append(seconds_of(call, email, next(origin)))
        if len(known) > PAIRS and abs(auc(known, unknown) - 0.5) <= AUC_MAY_STRAY_BY:
            break
    return auc(known, unknown)


def seconds_of(call: Call, email: str, origin: str) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    call(email, origin)
    return time.perf_counter() - began


@pytest.mark.parametrize("name", ["sign in", "sign up", "reset", "resend"])
def test_the_time_says_nothing_about_an_address(name: str, auth: Any, platform: Platform) -> None:
    wrong = f"wrong and long enough {uuid.uuid4().hex}"
    refused = grpc.StatusCode.UNAUTHENTICATED, "The e-mail address or the password is wrong."
    fine = grpc.StatusCode.OK, ""
    call, known = {
        "sign in": (
            called(auth.SignIn, lambda email: rpc.SignInRequest(email=email, password=wrong), refused),
            both(accounts(platform), unfinished(auth)),
        ),
        "sign up": (
            called(auth.SignUp, lambda email: rpc.SignUpRequest(email=email, password=PASSWORD, display_name="X"), fine),
            accounts(platform),
        ),
        "reset": (
            called(auth.RequestPasswordReset, lambda email: rpc.RequestPasswordResetRequest(email=email), fine),
            accounts(platform),
        ),
        "resend": (
            called(auth.ResendVerification, lambda email: rpc.ResendVerificationRequest(email=email), fine),
            unfinished(auth),
        ),
    }[name]

    assert abs(told_apart(call, known) - 0.5) <= AUC_MAY_STRAY_BY


def test_the_measure_tells_what_differs() -> None:
    """The test can fail: a few percent more of the time are seen."""
    draw = random.Random(7)
    alike, longer = ([draw.gauss(mean, 1) for _ in range(200)] for mean in (30.0, 31.0))
    assert auc(longer, alike) > 0.5 + AUC_MAY_STRAY_BY
    assert auc([1.0, 1.0], [1.0, 1.0]) == 0.5
    assert auc([2.0], [1.0]) == 1.0
