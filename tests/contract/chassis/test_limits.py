"""What a token bucket allows, run on a real Valkey, whose clock it goes by."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

from services.chassis.limits import TokenBucket, Verdict
from tests.contract.chassis.mortal import MortalValkey


@pytest.fixture
def buckets(client: Any) -> TokenBucket:
    return TokenBucket(client, on_failure="closed")


async def test_a_burst_is_allowed_and_then_no_more(buckets: TokenBucket) -> None:
    verdicts = [await buckets.take("a", capacity=3, refill_per_s=0.01) for _ in range(4)]

    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False]


async def test_a_refusal_says_when_the_next_may_come(buckets: TokenBucket) -> None:
    await buckets.take("a", capacity=1, refill_per_s=0.1)

    verdict = await buckets.take("a", capacity=1, refill_per_s=0.1)

    assert not verdict.allowed
    assert 9 < verdict.retry_after_s <= 10


async def test_callers_have_buckets_of_their_own(buckets: TokenBucket) -> None:
    await buckets.take("a", capacity=1, refill_per_s=0.01)

    assert (await buckets.take("b", capacity=1, refill_per_s=0.01)).allowed


async def test_a_costly_call_takes_more(buckets: TokenBucket) -> None:
    verdicts = [await buckets.take("a", capacity=5, refill_per_s=0.01, cost=2) for _ in range(3)]

    assert [verdict.allowed for verdict in verdicts] == [True, True, False]


async def test_a_bucket_refills(buckets: TokenBucket) -> None:
    await buckets.take("a", capacity=1, refill_per_s=50)

    async with asyncio.timeout(10):
        while not (await buckets.take("a", capacity=1, refill_per_s=50)).allowed:
            await asyncio.sleep(0.002)


async def test_a_refusal_costs_nothing(buckets: TokenBucket, client: Any) -> None:
    await buckets.take("a", capacity=1, refill_per_s=0.001)
    refused = [await buckets.take("a", capacity=1, refill_per_s=0.001) for _ in range(5)]

    assert max(verdict.retry_after_s for verdict in refused) <= 1000


async def test_many_at_once_share_one_burst(buckets: TokenBucket) -> None:
    verdicts = await asyncio.gather(*(buckets.take("a", capacity=10, refill_per_s=0.001) for _ in range(15)))

    assert sum(verdict.allowed for verdict in verdicts) == 10


async def test_a_bucket_is_forgotten_once_it_is_full_again(buckets: TokenBucket, client: Any) -> None:
    await buckets.take("a", capacity=10, refill_per_s=1)

    assert 0 < await client.ttl("trellis:limit:a") <= 11


@pytest.mark.parametrize(("on_failure", "allowed"), [("open", True), ("closed", False)])
async def test_without_valkey_a_limit_does_as_it_states(
    mortal: MortalValkey, mortal_client: Any, on_failure: Literal["open", "closed"], allowed: bool
) -> None:
    buckets, first_pid = TokenBucket(mortal_client, on_failure=on_failure), mortal.pid
    await buckets.take("a", capacity=1, refill_per_s=0.001)

    mortal.kill()
    while_away = await buckets.take("b", capacity=1, refill_per_s=0.001)
    mortal.start()
    again = await buckets.take("a", capacity=1, refill_per_s=0.001)

    assert while_away == Verdict(allowed, 1.0)
    assert not again.allowed
    assert mortal.pid != first_pid
