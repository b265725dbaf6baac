"""What the cache port promises, run against the fake and against a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import pytest

from services.chassis.cache import Cache, CacheUnavailable, ValkeyCache
from tests.conftest import Time
from tests.contract.chassis.mortal import MortalValkey
from tests.fakes.cache import FakeCache

Open = Callable[[Literal["open", "closed"]], Cache]


@pytest.fixture(params=["fake", "valkey"])
def cache(request: pytest.FixtureRequest, time: Time) -> Cache:
    if request.param == "fake":
        return FakeCache(time, on_failure="closed")
    return ValkeyCache(request.getfixturevalue("client"), on_failure="closed")


@pytest.fixture(params=["fake", "valkey"])
def broken(request: pytest.FixtureRequest, time: Time) -> Open:
    """Opens a cache whose server is gone."""
    if request.param == "fake":

        def fake(on_failure: Literal["open", "closed"]) -> Cache:
            opened = FakeCache(time, on_failure=on_failure)
            opened.away = True
            return opened

        return fake
    client = request.getfixturevalue("mortal_client")
    request.getfixturevalue("mortal").kill()
    return lambda on_failure: ValkeyCache(client, on_failure=on_failure)


async def test_what_was_set_is_found(cache: Cache) -> None:
    await cache.set("a", b"\x00\xff", ttl_s=60)

    assert await cache.get("a") == b"\x00\xff"
    assert await cache.get("b") is None


async def test_what_was_deleted_is_gone(cache: Cache) -> None:
    await cache.set("a", b"1", ttl_s=60)

    await cache.delete("a")
    await cache.delete("never there")

    assert await cache.get("a") is None


async def test_the_last_value_stays(cache: Cache) -> None:
    await cache.set("a", b"1", ttl_s=60)
    await cache.set("a", b"2", ttl_s=60)

    assert await cache.get("a") == b"2"


async def test_a_value_ends(time: Time) -> None:
    cache = FakeCache(time, on_failure="open")
    await cache.set("a", b"1", ttl_s=60)

    time.move(seconds=60)

    assert await cache.get("a") is None


async def test_a_value_ends_in_valkey(client: Any) -> None:
    cache = ValkeyCache(client, on_failure="open")
    await cache.set("a", b"1", ttl_s=0.02)
    async with asyncio.timeout(10):
        while await cache.get("a") is not None:
            await asyncio.sleep(0.005)

    assert await client.exists("trellis:cache:a") == 0


async def test_an_open_cache_that_is_away_finds_and_keeps_nothing(broken: Open) -> None:
    cache = broken("open")

    await cache.set("a", b"1", ttl_s=60)
    await cache.delete("a")

    assert await cache.get("a") is None


async def test_a_closed_cache_that_is_away_refuses(broken: Open) -> None:
    cache = broken("closed")

    with pytest.raises(CacheUnavailable):
        await cache.get("a")
    with pytest.raises(CacheUnavailable):
        await cache.set("a", b"1", ttl_s=60)
    with pytest.raises(CacheUnavailable):
        await cache.delete("a")


async def test_a_cache_is_back_when_its_server_is(mortal: MortalValkey, mortal_client: Any) -> None:
    cache, first_pid = ValkeyCache(mortal_client, on_failure="closed"), mortal.pid
    await cache.set("a", b"1", ttl_s=60)

    mortal.kill()
    with pytest.raises(CacheUnavailable):
        await cache.get("a")
    mortal.start()

    assert await cache.get("a") == b"1"
    assert mortal.pid != first_pid
