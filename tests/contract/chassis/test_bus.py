"""What the event port promises, run against the fake and against a real Valkey."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.chassis.bus.bus import Event, EventBus, Subscription, package_of
from services.chassis.bus.entries import dead_letters_of, stream_of
from services.chassis.bus.reader import trim, trim_dead_letters
from services.chassis.bus.valkey import ValkeyBus
from tests.contract.chassis.mortal import MortalValkey
from tests.fakes.bus import FakeBus

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
CREATED, DELETED = "shop.v1.order_created", "shop.v1.order_deleted"
PATIENCE_S = 10.0


@pytest.fixture(params=["fake", "valkey"])
def bus(request: pytest.FixtureRequest) -> EventBus:
    return FakeBus() if request.param == "fake" else ValkeyBus(request.getfixturevalue("client"))


def order(number: int, subject: str = "orders/a", topic: str = CREATED) -> Event:
    return Event(f"evt_{number}", "services/shop", topic, subject, NOON, b"\x00\xff%d" % number, "00-trace-span-01")


class Desk:
    """A consumer that notes what it is given and refuses what it is told to."""

    def __init__(self, refuses: Callable[[Event], bool] = lambda _: False) -> None:
        self.refuses = refuses
        self.seen: list[Event] = []
        self.done: list[str] = []
        self._news = asyncio.Condition()

    async def handle(self, event: Event) -> None:
        async with self._news:
            self.seen.append(event)
            self._news.notify_all()
            if self.refuses(event):
                raise RuntimeError("secret text of a failure")
            self.done.append(event.id)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(condition)

    async def until_done(self, *numbers: int) -> None:
        await self.until(lambda: {f"evt_{number}" for number in numbers} <= set(self.done))

    def subscription(self, name: str = "till.orders", topics: Sequence[str] = (CREATED, DELETED)) -> Subscription:
        return Subscription(name, tuple(topics), self.handle, max_deliveries=3, backoff_s=0.01)


@contextlib.asynccontextmanager
async def consuming(bus: EventBus, subscription: Subscription) -> AsyncIterator[None]:
    task = asyncio.create_task(bus.consume(subscription))
    try:
        yield
    finally:
        await ended(task)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.005)


async def dead_ids(bus: EventBus, subscription: str = "till.orders") -> list[str]:
    return [letter.event.id for letter in await bus.dead_letters(subscription)]


def test_the_package_of_a_topic_is_all_but_its_last_segment() -> None:
    assert package_of("auth.v1.account_created") == "auth.v1"


async def test_an_event_arrives_with_all_its_attributes(bus: EventBus) -> None:
    desk = Desk()

    async with consuming(bus, desk.subscription()):
        await bus.publish([order(1)])
        await desk.until_done(1)

    assert desk.seen == [order(1)]


async def test_only_topics_subscribed_to_arrive(bus: EventBus) -> None:
    desk = Desk()

    async with consuming(bus, desk.subscription(topics=[DELETED])):
        await bus.publish([order(1), order(2, topic=DELETED)])
        await desk.until_done(2)

    assert desk.done == ["evt_2"]


async def test_topics_of_two_packages_arrive_at_one_subscription(bus: EventBus) -> None:
    desk, other = Desk(), "mail.v1.mail_sent"

    async with consuming(bus, desk.subscription(topics=[CREATED, other])):
        await bus.publish([order(1), order(2, topic=other)])
        await desk.until_done(1, 2)

    assert sorted(desk.done) == ["evt_1", "evt_2"]


async def test_a_new_subscription_begins_with_what_was_published_before_it(bus: EventBus) -> None:
    desk = Desk()
    await bus.publish([order(1)])

    async with consuming(bus, desk.subscription()):
        await desk.until_done(1)


async def test_every_subscription_gets_every_event(bus: EventBus) -> None:
    till, ledger = Desk(), Desk()

    async with consuming(bus, till.subscription("till")), consuming(bus, ledger.subscription("ledger")):
        await bus.publish([order(1)])
        await till.until_done(1)
        await ledger.until_done(1)


async def test_events_of_a_subject_keep_their_order(bus: EventBus) -> None:
    desk = Desk()

    async with consuming(bus, desk.subscription()):
        for start in range(0, 300, 50):
            await bus.publish([order(number) for number in range(start, start + 50)])
        await desk.until_done(299)

    assert desk.done == [f"evt_{number}" for number in range(300)]


async def test_a_failed_event_comes_again(bus: EventBus) -> None:
    desk = Desk(refuses=lambda _: len(desk.seen) < 3)

    async with consuming(bus, desk.subscription()):
        await bus.publish([order(1)])
        await desk.until_done(1)

    assert [event.id for event in desk.seen] == ["evt_1"] * 3
    assert await dead_ids(bus) == []


async def test_an_event_that_fails_holds_back_its_subject_and_no_other(bus: EventBus) -> None:
    attempts = iter([True, True])
    desk = Desk(refuses=lambda event: event.id == "evt_1" and next(attempts, False))

    async with consuming(bus, desk.subscription()):
        await bus.publish([order(1, "orders/a"), order(2, "orders/a"), order(3, "orders/b")])
        await desk.until_done(1, 2, 3)

    assert desk.done == ["evt_3", "evt_1", "evt_2"]


async def test_an_event_that_always_fails_becomes_a_dead_letter_and_lets_the_rest_go_on(bus: EventBus) -> None:
    desk = Desk(refuses=lambda event: event.id == "evt_1")

    async with consuming(bus, desk.subscription()):
        await bus.publish([order(1), order(2)])
        await desk.until_done(2)

    [letter] = await bus.dead_letters("till.orders")
    assert (letter.event, letter.reason) == (order(1), "RuntimeError, failed 3 times")
    assert [event.id for event in desk.seen] == ["evt_1"] * 3 + ["evt_2"]


async def test_a_replay_delivers_dead_letters_once_to_their_subscription_alone(bus: EventBus) -> None:
    desk, other = Desk(refuses=lambda event: event.id == "evt_1"), Desk()

    async with consuming(bus, desk.subscription()), consuming(bus, other.subscription("ledger")):
        await bus.publish([order(1), order(2)])
        await desk.until_done(2)
        desk.refuses = lambda _: False
        replayed = [await bus.replay("till.orders"), await bus.replay("till.orders")]
        await desk.until_done(1)
        await bus.publish([order(3)])
        await other.until_done(3)

    assert replayed == [1, 0]
    assert other.done == ["evt_1", "evt_2", "evt_3"]
    assert await dead_ids(bus) == []


async def test_replays_at_the_same_time_deliver_once(bus: EventBus) -> None:
    desk = Desk(refuses=lambda _: True)
    async with consuming(bus, desk.subscription()):
        await bus.publish([order(number, f"orders/{number}") for number in range(5)])
        await eventually(lambda: _has_dead(bus, 5))

    replayed = await asyncio.gather(*(bus.replay("till.orders") for _ in range(4)))

    assert sum(replayed) == 5


async def _has_dead(bus: EventBus, number: int) -> bool:
    return len(await dead_ids(bus)) == number


async def test_a_consumer_goes_on_where_the_last_one_stopped(bus: EventBus) -> None:
    first, second = Desk(), Desk()
    async with consuming(bus, first.subscription()):
        await bus.publish([order(1)])
        await first.until_done(1)
    await bus.publish([order(2)])

    async with consuming(bus, second.subscription()):
        await second.until_done(2)

    assert second.done == ["evt_2"]


async def test_what_a_stopped_consumer_failed_at_is_the_next_ones(bus: EventBus) -> None:
    first, second = Desk(refuses=lambda _: True), Desk()
    async with consuming(bus, first.subscription()):
        await bus.publish([order(1), order(2)])
        await first.until(lambda: bool(first.seen))

    async with consuming(bus, second.subscription()):
        await second.until_done(1, 2)

    assert second.done == ["evt_1", "evt_2"]


async def test_what_arrived_together_is_taken_as_one_effect_and_is_done_with(client: Any) -> None:
    bus, desk, again, together = ValkeyBus(client), Desk(), Desk(), list[list[str]]()

    async def handle_many(events: Sequence[Event]) -> None:
        together.append([event.id for event in events])
        for event in events:
            await desk.handle(event)

    await bus.publish([order(number, subject=f"orders/{number}") for number in (1, 2, 3)])
    async with consuming(bus, replace(desk.subscription(), handle_many=handle_many)):
        await desk.until_done(1, 2, 3)
        await bus.publish([order(4)])
        await desk.until_done(4)
    async with consuming(bus, again.subscription()):
        await bus.publish([order(5)])
        await again.until_done(5)

    assert together == [["evt_1", "evt_2", "evt_3"]]
    assert (desk.done, again.done) == (["evt_1", "evt_2", "evt_3", "evt_4"], ["evt_5"])


async def test_what_does_not_go_together_is_delivered_one_by_one(client: Any) -> None:
    bus, desk = ValkeyBus(client), Desk(refuses=lambda event: event.id == "evt_2")

    async def handle_many(_: Sequence[Event]) -> None:
        raise RuntimeError("one of them is bad")

    await bus.publish([order(number, subject=f"orders/{number}") for number in (1, 2, 3)])
    async with consuming(bus, replace(desk.subscription(), handle_many=handle_many)):
        await desk.until_done(1, 3)
        await eventually(lambda: _has_dead(bus, 1))

    assert (desk.done, await dead_ids(bus)) == (["evt_1", "evt_3"], ["evt_2"])


async def test_a_consumer_that_is_stopped_finishes_the_event_in_hand(bus: EventBus) -> None:
    begun, may_end, finished = asyncio.Event(), asyncio.Event(), []
    again = Desk()

    async def handle(event: Event) -> None:
        begun.set()
        await may_end.wait()
        finished.append(event.id)

    task = asyncio.create_task(bus.consume(Subscription("till.orders", (CREATED,), handle)))
    await bus.publish([order(1), order(2)])
    await asyncio.wait_for(begun.wait(), PATIENCE_S)
    asyncio.get_running_loop().call_later(0.02, may_end.set)
    await ended(task)
    async with consuming(bus, again.subscription()):
        await again.until_done(2)

    assert finished == ["evt_1"]
    assert again.done == ["evt_2"]


async def test_every_acknowledged_event_outlives_a_crash_of_valkey(mortal: MortalValkey, mortal_client: Any) -> None:
    bus, acknowledged, pids = ValkeyBus(mortal_client), set[str](), [mortal.pid]
    refused = asyncio.Event()

    async def publish_all() -> None:
        for number in range(0, 6000, 3):
            await publish_until_taken([order(number + i) for i in range(3)])

    async def publish_until_taken(events: list[Event]) -> None:
        while True:
            try:
                await bus.publish(events)
            except OSError:
                refused.set()
                await asyncio.sleep(0.005)
            else:
                acknowledged.update(event.id for event in events)
                return

    publishing = asyncio.create_task(publish_all())
    await eventually(lambda: _truth(len(acknowledged) > 500))
    mortal.kill()
    known = set(acknowledged)
    await asyncio.wait_for(refused.wait(), PATIENCE_S)
    mortal.start()
    pids.append(mortal.pid)
    await publishing

    there = [fields[b"id"].decode() for _, fields in await mortal_client.xrange(stream_of(CREATED))]
    assert pids[0] != pids[1]
    assert 500 < len(known) < 6000
    assert set(there) == acknowledged
    assert list(dict.fromkeys(there)) == [f"evt_{number}" for number in range(6000)]


async def _truth(value: bool) -> bool:
    return value


async def test_a_consumer_outlives_a_crash_of_valkey(mortal: MortalValkey, mortal_client: Any) -> None:
    bus, desk, first_pid = ValkeyBus(mortal_client), Desk(), mortal.pid

    async with consuming(bus, desk.subscription()):
        await bus.publish([order(1)])
        await desk.until_done(1)
        mortal.kill()
        with pytest.raises(OSError, match="did not take"):
            await bus.publish([order(2)])
        mortal.start()
        await bus.publish([order(3)])
        await desk.until_done(3)

    assert mortal.pid != first_pid
    assert [number for number in desk.done if number != "evt_1"] == ["evt_3"]


async def test_a_consumer_outlives_the_loss_of_all_data(client: Any) -> None:
    bus, desk = ValkeyBus(client), Desk()

    async with consuming(bus, desk.subscription()):
        await bus.publish([order(1)])
        await desk.until_done(1)
        await client.flushall()
        await bus.publish([order(2)])
        await desk.until_done(2)


async def test_an_entry_that_is_no_event_is_passed_over(client: Any) -> None:
    bus, desk = ValkeyBus(client), Desk()
    await client.xadd(stream_of(CREATED), {"id": "evt_0", "type": CREATED})

    async with consuming(bus, desk.subscription()):
        await bus.publish([order(1)])
        await desk.until_done(1)

    assert desk.done == ["evt_1"]


async def test_more_waiting_events_than_one_batch_all_reach_the_next_consumer(client: Any) -> None:
    bus, first, second = ValkeyBus(client), Desk(refuses=lambda event: event.id == "evt_0"), Desk()
    patient = Subscription("till.orders", (CREATED,), first.handle, backoff_s=60)
    async with consuming(bus, patient):
        await bus.publish([*(order(number) for number in range(250)), order(250, "orders/b")])
        await first.until_done(250)

    async with consuming(bus, second.subscription()):
        await second.until_done(*range(250))

    assert second.done == [f"evt_{number}" for number in range(250)]


async def test_trimming_forgets_only_what_every_group_has_had(client: Any) -> None:
    bus, stream = ValkeyBus(client), stream_of(CREATED)
    for group in ("till", "ledger"):
        await client.xgroup_create(stream, group, id="0", mkstream=True)
    for number in range(4):
        await bus.publish([order(number)])
        await asyncio.sleep(0.002)  # entries are told apart by their millisecond
    for group, delivered, acknowledged in (("till", 4, 4), ("ledger", 3, 2)):
        [[_, entries]] = await client.xreadgroup(group, "leader", {stream: ">"}, count=delivered)
        await client.xack(stream, group, *(entry_id for entry_id, _ in entries[:acknowledged]))

    await trim(client, stream, kept=timedelta(days=7))
    kept = await client.xlen(stream)
    await trim(client, stream, kept=timedelta(0))

    left = [fields[b"id"] for _, fields in await client.xrange(stream)]
    assert (kept, left) == (4, [b"evt_2", b"evt_3"])


async def test_dead_letters_are_forgotten_when_they_are_old(client: Any) -> None:
    letters = dead_letters_of("till")
    await client.xadd(letters, {"id": "old"}, id="1000-0")
    young = await client.xadd(letters, {"id": "young"})

    await trim_dead_letters(client, "till", timedelta(days=30))
    await trim_dead_letters(client, "nobody", timedelta(days=30))

    assert [entry_id for entry_id, _ in await client.xrange(letters)] == [young]
