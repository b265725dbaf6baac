"""Guesses counted in a real Valkey: guessers run dry, owners do not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.chassis.guesses import Guess, Guesses, GuessesByAddress
from services.chassis.keys import Keyring
from tests.contract.chassis.mortal import MortalValkey
from trellis.policies import Bucket, GuessLimit

DAY_S = 86_400.0
HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"
ADA, BOB = "ada@example.com", "bob@example.com"


def limit(address: int = 1000, both: int = 1000, strangers: int = 1000, row: int = 0) -> GuessLimit:
    """Return a limit that hardly refills."""
    by_address, by_both, by_strangers = (Bucket(size, 1, DAY_S) for size in (address, both, strangers))
    return GuessLimit(("WRONG",), "email", by_address, by_both, by_strangers, row)


@pytest.fixture
def guesses(client: Any, keyring: Keyring) -> Guesses:
    return Guesses(client, keyring)


async def wrong(guesses: Guesses, said: GuessLimit, account: str = ADA, address: str = HOME) -> bool:
    """Guess wrongly; whether it was looked at."""
    return await guesses.begin(Guess("SignIn", account, address), said) == 0


async def right(guesses: Guesses, said: GuessLimit, account: str = ADA, address: str = HOME) -> bool:
    """Give the right secret; whether it was looked at."""
    guess = Guess("SignIn", account, address)
    if await guesses.begin(guess, said) > 0:
        return False
    await guesses.undo(guess, said)
    await guesses.prove(account, address)
    return True


async def looked_at(count: int, *guess: Any, **more: Any) -> int:
    """Return how many of so many wrong guesses were looked at."""
    return sum([await wrong(*guess, **more) for _ in range(count)])


async def test_an_address_runs_dry_whomever_it_guesses_at(guesses: Guesses) -> None:
    said = limit(address=5)

    assert sum([await wrong(guesses, said, f"user{number}@example.com") for number in range(50)]) == 5
    assert await wrong(guesses, said, address=ELSEWHERE)


async def test_an_account_runs_dry_for_one_address(guesses: Guesses) -> None:
    said = limit(both=4)

    assert await looked_at(50, guesses, said) == 4
    assert await wrong(guesses, said, BOB)
    assert await wrong(guesses, said, address=ELSEWHERE)


async def test_all_strangers_together_run_dry_and_the_owner_does_not(guesses: Guesses) -> None:
    said = limit(strangers=7)
    assert await right(guesses, said, address=HOME)

    assert sum([await wrong(guesses, said, address=f"198.51.100.{number}") for number in range(200)]) == 7

    assert all([await right(guesses, said, address=HOME) for _ in range(20)])
    assert await wrong(guesses, said, BOB, ELSEWHERE), "another's account is another matter"


async def test_the_owner_at_a_new_address_is_let_in_by_another_proof(guesses: Guesses) -> None:
    said = limit(strangers=3)
    assert await looked_at(10, guesses, said, address=ELSEWHERE) == 3
    assert not await right(guesses, said, address=HOME)

    await guesses.prove(ADA, HOME)

    assert await right(guesses, said, address=HOME)
    assert not await wrong(guesses, said, address=ELSEWHERE)


async def test_nobody_has_more_than_so_many_in_a_row(guesses: Guesses) -> None:
    said = limit(row=100)
    assert await right(guesses, said, address=HOME)

    assert sum([await wrong(guesses, said, address=f"198.51.{n // 250}.{n % 250}") for n in range(1000)]) == 100

    assert await right(guesses, said, address=HOME)
    assert await looked_at(300, guesses, said, address=HOME) == 100


async def test_a_right_one_ends_the_row(guesses: Guesses) -> None:
    said = limit(row=5)
    assert await looked_at(4, guesses, said) == 4
    assert await right(guesses, said)

    assert await looked_at(9, guesses, said) == 5


async def test_a_right_guess_costs_nothing(guesses: Guesses) -> None:
    said = limit(address=1, both=1, strangers=1, row=1)

    assert all([await right(guesses, said) for _ in range(10)])


async def test_as_many_at_once_as_a_process_serves_count_as_many(guesses: Guesses) -> None:
    said = limit(both=10)

    assert sum(await asyncio.gather(*(wrong(guesses, said) for _ in range(256)))) == 10


async def test_without_an_account_the_address_alone_counts(guesses: Guesses) -> None:
    said = limit(address=6, both=1, strangers=1, row=1)

    assert await looked_at(20, guesses, said, account="") == 6


async def test_it_says_how_long_to_wait(guesses: Guesses) -> None:
    said = GuessLimit(("WRONG",), "email", Bucket(1, 1, 60.0), None, None, 0)
    guess = Guess("SignIn", ADA, HOME)

    assert await guesses.begin(guess, said) == 0
    assert 59 < await guesses.begin(guess, said) <= 60


async def test_nobody_reads_who_guesses_at_whom(guesses: Guesses, client: Any) -> None:
    await wrong(guesses, limit(row=9))
    await right(guesses, limit(row=9))

    keys = b" ".join(await client.keys("*"))
    assert b"trellis:guess:known:" in keys
    assert not any(secret.encode() in keys for secret in (ADA, HOME, "SignIn"))


async def test_without_valkey_each_process_counts_for_itself(
    mortal: MortalValkey, mortal_client: Any, keyring: Keyring
) -> None:
    guesses, said = Guesses(mortal_client, keyring), limit(address=20, both=4, strangers=1, row=1)
    mortal.kill()

    assert await looked_at(12, guesses, said) == 4
    assert await right(guesses, said, address=ELSEWHERE)

    mortal.start()


async def test_what_no_rpc_takes_is_counted_by_address_for_all_processes(
    guesses: Guesses, client: Any, keyring: Keyring
) -> None:
    bucket = Bucket(3, 1, DAY_S)
    here, there = (GuessesByAddress(each, "key", bucket) for each in (guesses, Guesses(client, keyring)))

    looked = [await each.begin(HOME) == 0 for each in (here, there, here, there)]
    await there.undo(HOME)

    assert looked == [True, True, True, False]
    assert [await here.begin(HOME) == 0, await there.begin(HOME) == 0] == [True, False]
    assert await there.begin(ELSEWHERE) == 0
    assert await GuessesByAddress(guesses, "other", bucket).begin(HOME) == 0
