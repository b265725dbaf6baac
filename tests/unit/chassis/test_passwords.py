"""argon2id in a few threads with a short queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher

from services.chassis.errors import ResourceExhausted
from services.chassis.passwords import Argon2Passwords

PASSWORD = "correct horse battery"


@pytest.fixture
async def passwords() -> AsyncIterator[Argon2Passwords]:
    made = Argon2Passwords(threads=1, queue=2)
    yield made
    await made.aclose()


async def test_hashes_with_the_parameters_of_owasp(passwords: Argon2Passwords) -> None:
    hashed = await passwords.hash(PASSWORD)

    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(hashed, PASSWORD)
    assert not await passwords.verify(hashed, PASSWORD + " ")
    assert hashed != await passwords.hash(PASSWORD), "the salt is new"


async def test_nobodys_password_is_compared_with_a_decoy_and_never_right(passwords: Argon2Passwords) -> None:
    assert not await passwords.verify(None, PASSWORD)
    assert not await passwords.verify(None, "a password nobody has")
    assert not await passwords.verify("not a hash", PASSWORD)


async def test_knows_weaker_hashes(passwords: Argon2Passwords) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)

    assert passwords.outdated(weak)
    assert await passwords.verify(weak, PASSWORD)
    assert not passwords.outdated(await passwords.hash(PASSWORD))


async def test_a_flood_is_refused_at_once_and_leaves_no_trace(passwords: Argon2Passwords) -> None:
    outcomes = await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(10)), return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, ResourceExhausted)]
    assert len(refused) == 7, "one is hashed and two wait"
    assert {(error.reason, error.retry_after_s) for error in refused} == {("OVERLOADED", 1.0)}
    assert await passwords.hash(PASSWORD)
