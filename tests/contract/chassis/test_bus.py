"""The event port on real Valkey: order per subject, redelivery, dead letters, nothing lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cli.engines.process import spawn, stop
from cli.engines.valkey import ValkeyEngine
from services.chassis.bus.bus import Event, EventBus, Subscription
from services.chassis.bus.valkey import ValkeyBus, connect_valkey
from tests.conftest import NOON
from tests.fakes.ports import free_port

TOPIC = "user.v1.noted"


@pytest.fixture
async def bus(valkey: ValkeyEngine) -> AsyncIterator[ValkeyBus]:
    """An empty bus."""
    client = connect_valkey(valkey.url())
    await client.flushall()
    yield ValkeyBus(client)
    await client.aclose()


def event(name: str, subject: str = "notes/1") -> Event:
    """Return an event whose id and payload are its name."""
    return Event(name, "services/test", TOPIC, subject, NOON, name.encode())


class Reader:
    """A subscription that records what it is given and fails when told to."""

    def __init__(self, **settings: Any) -> None:
        self.seen: list[str] = []
        self.failing: dict[str, int] = {}
        """How often an event is to fail before it succeeds."""
        self._news = asyncio.Event()
        self.subscription = Subscription("test", (TOPIC,), self._handle, backoff_s=0.02, **settings)

    async def until(self, true: Callable[[], Any]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(20):
            while not true():
                self._news.clear()
                await self._news.wait()

    async def _handle(self, found: Event) -> None:
        self._news.set()
        if self.failing.get(found.id, 0) > 0:
            self.failing[found.id] -= 1
            raise ValueError(found.id)
        self.seen.append(found.id)


@pytest.fixture
async def reading(bus: EventBus) -> AsyncIterator[Callable[[Reader], asyncio.Task[None]]]:
    """Starts readers, and ends them with the test."""
    tasks: list[asyncio.Task[None]] = []

    def start(reader: Reader) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(bus.consume(reader.subscription)))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


Start = Callable[[Reader], asyncio.Task[None]]


async def test_events_arrive_in_order(bus: EventBus, reading: Start) -> None:
    reader = Reader()
    reading(reader)

    await bus.publish([event("1"), event("2"), event("3")])
    await reader.until(lambda: len(reader.seen) == 3)

    assert reader.seen == ["1", "2", "3"]


async def test_an_event_keeps_all_its_attributes(bus: EventBus, reading: Start) -> None:
    found: list[Event] = []
    arrived = asyncio.Event()

    async def keep(each: Event) -> None:
        found.append(each)
        arrived.set()

    reader = Reader()
    reader.subscription = Subscription("test", (TOPIC,), keep)
    reading(reader)
    sent = Event("evt_1", "services/test", TOPIC, "notes/1", NOON, b"\x00\xff", "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    await bus.publish([sent])
    await asyncio.wait_for(arrived.wait(), 10)

    assert found == [sent]


async def test_other_topics_are_not_delivered(bus: EventBus, reading: Start) -> None:
    reader = Reader()
    reading(reader)

    other = Event("other", "services/test", "user.v1.something_else", "notes/1", NOON, b"")
    await bus.publish([other, event("mine")])
    await reader.until(lambda: reader.seen)

    assert reader.seen == ["mine"]


async def test_a_failing_event_holds_back_its_own_subject_only(bus: EventBus, reading: Start) -> None:
    reader = Reader()
    reader.failing["a1"] = 3
    reading(reader)

    await bus.publish([event("a1", "notes/a"), event("a2", "notes/a"), event("b1", "notes/b")])
    await reader.until(lambda: len(reader.seen) == 3)

    assert reader.seen == ["b1", "a1", "a2"]


async def test_poison_becomes_a_dead_letter_after_its_deliveries(bus: EventBus, reading: Start) -> None:
    reader = Reader(max_deliveries=3)
    reader.failing["poison"] = 1000
    reading(reader)

    await bus.publish([event("poison"), event("next")])
    await reader.until(lambda: reader.seen)

    [letter] = await bus.dead_letters("test")
    assert reader.failing["poison"] == 1000 - 3
    assert (letter.event, letter.reason, reader.seen) == (event("poison"), "failed 3 times", ["next"])


async def test_dead_letters_are_replayed_once(bus: EventBus, reading: Start) -> None:
    reader = Reader(max_deliveries=2)
    reader.failing["poison"] = 2
    reading(reader)
    await bus.publish([event("poison"), event("next")])
    await reader.until(lambda: reader.seen == ["next"])

    assert await bus.replay("test") == 1
    assert await bus.replay("test") == 0
    await reader.until(lambda: len(reader.seen) == 2)

    assert reader.seen == ["next", "poison"]
    assert await bus.dead_letters("test") == []


async def test_what_a_dead_reader_had_in_hand_is_the_next_ones(bus: EventBus, reading: Start) -> None:
    first, second = Reader(), Reader()
    first.failing["1"] = 1000
    task = reading(first)
    await bus.publish([event("1"), event("2")])
    await first.until(lambda: first.failing["1"] < 1000)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    reading(second)
    await second.until(lambda: len(second.seen) == 2)

    assert second.seen == ["1", "2"]


async def test_a_killed_valkey_loses_no_acknowledged_event(tmp_path: Any) -> None:
    """R1, R8: `kill -9` in the middle of publishing; what was acknowledged is delivered after the restart."""
    engine = ValkeyEngine(tmp_path, free_port())
    engine.prepare()
    log = (tmp_path / "log").open("ab")
    server = spawn(engine.command(), log)
    await _ready(engine, server.pid)
    client = connect_valkey(engine.url())
    bus, reader = ValkeyBus(client), Reader()
    acknowledged: list[str] = []
    consuming = asyncio.create_task(bus.consume(reader.subscription))

    async def publish() -> None:
        for number in range(100_000):
            await bus.publish([event(f"e{number}")])
            acknowledged.append(f"e{number}")

    publishing = asyncio.create_task(publish())
    await reader.until(lambda: len(acknowledged) > 200)
    os.kill(server.pid, signal.SIGKILL)
    outcome = (await asyncio.gather(publishing, return_exceptions=True))[0]
    again = spawn(engine.command(), log)
    await _ready(engine, again.pid)
    await reader.until(lambda: set(acknowledged) <= set(reader.seen))

    assert server.wait() == -signal.SIGKILL
    assert again.pid != server.pid
    assert isinstance(outcome, OSError | Exception)
    first_seen = list(dict.fromkeys(reader.seen))
    assert first_seen[: len(acknowledged)] == acknowledged
    consuming.cancel()
    await asyncio.gather(consuming, return_exceptions=True)
    await client.aclose()
    stop(again, signal.SIGTERM, 10)
    log.close()


async def _ready(engine: ValkeyEngine, pid: int) -> None:
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(engine.ready, pid):
            await asyncio.sleep(0.01)
