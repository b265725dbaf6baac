"""Revocations through a real Valkey: every process learns each, whenever it starts and whatever happens to Valkey."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.chassis.bus.broadcast import STREAM, Follower
from services.chassis.bus.bus import Event
from services.chassis.bus.valkey import ValkeyBus
from services.chassis.principal import Principal
from services.chassis.revocations import KEPT_S, Revocations
from tests.contract.chassis.mortal import MortalValkey
from trellis.auth.v1.events_pb2 import SessionRevoked

NOW = datetime.now(UTC)
PATIENCE_S = 10.0


def ended(number: int, time: datetime = NOW) -> Event:
    data = SessionRevoked(session=session(number)).SerializeToString()
    return Event(f"evt_{number}", "services/auth", "auth.v1.session_revoked", session(number), time, data)


def session(number: int) -> str:
    return f"users/usr_ada/sessions/ses_{number}"


def token(number: int) -> Principal:
    return Principal("users/usr_ada", session=session(number))


class Known(Revocations):
    """What one process knows."""

    async def until(self, *numbers: int) -> None:
        """Wait for tokens to be refused."""
        async with asyncio.timeout(PATIENCE_S):
            while not all(self.revoked(token(number)) for number in numbers):
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def following(client: Any) -> AsyncIterator[Known]:
    known = Known(lambda: datetime.now(UTC))
    follower = Follower(client, known)
    task = asyncio.create_task(follower.run())
    try:
        await asyncio.wait_for(follower.caught_up.wait(), PATIENCE_S)
        yield known
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_every_process_learns_what_is_published(client: Any) -> None:
    async with following(client) as one, following(client) as other:
        await ValkeyBus(client).publish([ended(1)])

        await one.until(1)
        await other.until(1)

        assert not one.revoked(token(2))


async def test_a_process_that_starts_late_knows_before_it_serves(client: Any) -> None:
    await ValkeyBus(client).publish([ended(number) for number in range(2500)])

    async with following(client) as known:
        assert all(known.revoked(token(number)) for number in range(2500))


async def test_what_no_token_can_be_older_than_is_not_kept(client: Any) -> None:
    bus = ValkeyBus(client)
    old = int((NOW - timedelta(seconds=KEPT_S + 60)).timestamp() * 1000)
    for number in range(300):  # Valkey trims whole nodes of a hundred
        await client.xadd(STREAM, {"time_s": "1", "session": session(number)}, id=f"{old}-{number + 1}")

    await bus.publish([ended(1)])

    assert await client.xlen(STREAM) <= 101


async def test_a_flood_hides_nothing(client: Any) -> None:
    bus = ValkeyBus(client)
    await bus.publish([ended(0)])
    for start in range(1, 20_001, 1000):
        await bus.publish([ended(number) for number in range(start, start + 1000)])

    async with following(client) as known:
        assert known.revoked(token(0))


async def test_what_cannot_be_read_is_left_out(client: Any) -> None:
    await client.xadd(STREAM, {"time_s": "soon", "session": session(1)})
    await client.xadd(STREAM, {"time_s": str(NOW.timestamp()), "planet": "mars"})
    await client.xadd(STREAM, {"time_s": str(NOW.timestamp())})
    await ValkeyBus(client).publish([ended(2)])

    async with following(client) as known:
        assert [known.revoked(token(number)) for number in (1, 2)] == [False, True]
        assert not known.revoked(Principal("users/usr_ada"))


async def test_it_survives_a_crash_of_valkey(mortal: MortalValkey, mortal_client: Any) -> None:
    bus = ValkeyBus(mortal_client)
    async with following(mortal_client) as known:
        await bus.publish([ended(1)])
        await known.until(1)
        mortal.kill()
        assert known.revoked(token(1))

        mortal.start()
        await published(lambda: bus.publish([ended(2)]))

        await known.until(1, 2)


async def test_a_valkey_that_lost_everything_is_followed_again(client: Any) -> None:
    async with following(client) as known:
        await ValkeyBus(client).publish([ended(1)])
        await known.until(1)
        await client.flushall()
        await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

        await ValkeyBus(client).publish([ended(2)])

        await known.until(1, 2)


async def published(publish: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(OSError):
                await publish()
                return
            await asyncio.sleep(0.05)
