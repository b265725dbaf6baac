"""Token buckets on real Valkey."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest

from cli.engines.valkey import ValkeyEngine
from services.chassis.bus.valkey import connect_valkey
from services.chassis.limits import TokenBucket, Verdict
from tests.fakes.ports import free_port


@pytest.fixture
async def client(valkey: ValkeyEngine) -> AsyncIterator[Any]:
    """An empty Valkey."""
    opened = connect_valkey(valkey.url())
    await opened.flushall()
    yield opened
    await opened.aclose()


async def test_a_full_bucket_allows_its_burst_and_then_says_how_long_to_wait(client: Any) -> None:
    bucket = TokenBucket(client, on_failure="closed")

    verdicts = [await bucket.take("ada", capacity=2, refill_per_s=0.001) for _ in range(3)]

    assert [verdict.allowed for verdict in verdicts] == [True, True, False]
    assert 900 < verdicts[2].retry_after_s <= 1000


async def test_everybody_has_a_bucket_of_their_own(client: Any) -> None:
    bucket = TokenBucket(client, on_failure="closed")
    await bucket.take("ada", capacity=1, refill_per_s=0.001)

    assert await bucket.take("bob", capacity=1, refill_per_s=0.001) == Verdict(True, 0)


@pytest.mark.parametrize(("mode", "allowed"), [("open", True), ("closed", False)])
async def test_without_valkey_the_stated_mode_decides(mode: Literal["open", "closed"], allowed: bool) -> None:
    nobody = connect_valkey(f"redis://127.0.0.1:{free_port()}/0")
    bucket = TokenBucket(nobody, on_failure=mode)

    assert (await bucket.take("ada", capacity=1, refill_per_s=1)).allowed is allowed
    await nobody.aclose()
