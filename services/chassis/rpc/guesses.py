"""The contract's limits of guessing at secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakValueDictionary

from services.chassis import guesses as counted
from services.chassis.errors import ServiceError
from services.chassis.guesses import Guess, account_of
from services.chassis.networks import network_of
from services.chassis.rpc.limits import RateLimited
from services.chassis.rpc.middleware import Call, Handler, Method, Middleware
from trellis.policies import GuessLimit

FORWARDED = "x-forwarded-for"
AT_ONCE = 4
"""Guesses of one address at one secret that a process looks at together: fewer than a bucket holds, for each counts as wrong
until it is known to be right."""


class Counter(Protocol):
    """Counts guesses."""

    async def begin(self, guess: Guess, limit: GuessLimit) -> float:
        """Count a guess as wrong for now. Return 0, or how many seconds to wait instead."""
        ...

    async def undo(self, guess: Guess, limit: GuessLimit) -> None:
        """Take back a guess that was right, or that nobody looked at."""
        ...

    async def prove(self, account: str, address: str) -> None:
        """Remember that whoever calls from this address has the account's secret."""
        ...


def guess_limited(counter: Counter | None) -> Middleware:
    """Let nobody guess at a secret more often than the contract says. A call that is given up counts as a wrong guess."""

    def around(handle: Handler, method: Method) -> Handler:
        limit = method.policy.guesses
        if limit is None or counter is None:
            return handle
        account = _account(limit)
        turns: WeakValueDictionary[Guess, asyncio.Semaphore] = WeakValueDictionary()

        async def handler(call: Call) -> Any:
            guess = Guess(method.name, account(call), network_of(call.metadata.get(FORWARDED, "")))
            async with turns.setdefault(guess, asyncio.Semaphore(AT_ONCE)):
                return await _guessed(handle, call, counter, guess, limit)

        return handler

    return around


async def _guessed(handle: Handler, call: Call, counter: Counter, guess: Guess, limit: GuessLimit) -> Any:
    wait_s = await counter.begin(guess, limit)
    if wait_s > 0:
        raise RateLimited(wait_s)
    also = counted.listen()
    try:
        answer = await handle(call)
    except Exception as error:
        if not (isinstance(error, ServiceError) and error.reason in limit.reasons):
            await counter.undo(guess, limit)  # a database that was away has told nobody anything
        raise
    await counter.undo(guess, limit)
    for proved in (guess.account, *map(account_of, also)):
        await counter.prove(proved, guess.address)
    return answer


def _account(limit: GuessLimit) -> Callable[[Call], str]:
    if limit.field:
        return lambda call: account_of(getattr(call.request, limit.field))
    return lambda call: call.principal.subject
