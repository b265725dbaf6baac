"""The outbox's relay on real PostgreSQL: in order, nothing left out, at least once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from services.chassis.bus.bus import Event
from services.chassis.consumers import Consumer
from services.chassis.db.leader import lead
from services.chassis.db.relay import publish_waiting
from services.chassis.db.session import Announcement, Codec, Database, SqlTransaction

CODEC = Codec(lambda answer: StringValue(value=answer), lambda event: Announcement("user.v1.noted", event, event.encode()))


class Recorder:
    """A bus that remembers, and can fail after it has taken the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fails = False

    async def publish(self, events: Sequence[Event]) -> None:
        """Take the events."""
        self.events += events
        if self.fails:
            raise ConnectionError

    @property
    def said(self) -> list[str]:
        """What was published, in order."""
        return [event.data.decode() for event in self.events]


@pytest.fixture
async def database(open_database: Callable[[str, Codec], Any]) -> Database:
    """An empty database."""
    opened: Database = await open_database("user", CODEC)
    return opened


async def announce(database: Database, *texts: str) -> None:
    """Commit a transaction that announces `texts`."""
    async with SqlTransaction(database) as tx:
        for text in texts:
            tx.outbox.add(text)
        await tx.commit()


async def test_events_are_published_in_order_and_forgotten(database: Database) -> None:
    bus = Recorder()
    await announce(database, "1", "2")
    await announce(database, "3")

    published = await publish_waiting(database, bus, "user")  # type: ignore[arg-type]

    assert (published, bus.said) == (3, ["1", "2", "3"])
    assert await publish_waiting(database, bus, "user") == 0  # type: ignore[arg-type]


async def test_an_event_carries_who_published_it_and_when(database: Database, time: Callable[[], Any]) -> None:
    bus = Recorder()
    await announce(database, "note")

    await publish_waiting(database, bus, "user")  # type: ignore[arg-type]

    [event] = bus.events
    assert (event.source, event.topic, event.subject, event.time) == ("services/user", "user.v1.noted", "note", time())


async def test_a_transaction_that_commits_late_is_not_left_out(database: Database) -> None:
    """R4: A takes its place first, B commits first, the relay looks, A commits."""
    bus = Recorder()
    late = SqlTransaction(database)
    async with late:
        late.outbox.add("late")
        await late._settle(None)  # its rows have their places now
        await announce(database, "early")
        await publish_waiting(database, bus, "user")  # type: ignore[arg-type]
        late.outbox.events.clear()
        await late.commit()
    await publish_waiting(database, bus, "user")  # type: ignore[arg-type]

    assert bus.said == ["early", "late"]


async def test_a_crash_after_publishing_publishes_again_and_takes_effect_once(database: Database) -> None:
    """R2: the duplicate is delivered, its effect is not repeated."""
    bus, effects = Recorder(), []
    await announce(database, "note")
    bus.fails = True
    with pytest.raises(ConnectionError):
        await publish_waiting(database, bus, "user")  # type: ignore[arg-type]
    bus.fails = False
    await publish_waiting(database, bus, "user")  # type: ignore[arg-type]

    async def take_effect(event: Event) -> None:
        async with SqlTransaction(database) as tx:
            effects.append(event.id)
            await tx.commit()

    consumer = Consumer("test", {"user.v1.noted": take_effect})
    for event in bus.events:
        await consumer.handle(event)

    assert (len(bus.events), len(effects)) == (2, 1)


async def test_a_killed_leader_is_followed(database: Database, postgres: Any) -> None:
    url = await _url_of(database, postgres)
    terms: asyncio.Queue[str] = asyncio.Queue()

    async def rule(name: str) -> None:
        await terms.put(name)
        await asyncio.Event().wait()

    first = asyncio.create_task(lead(url, {"test": lambda: rule("first")}))
    assert await asyncio.wait_for(terms.get(), 10) == "first"
    second = asyncio.create_task(lead(url, {"test": lambda: rule("second")}))
    killed = await database.pool.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_database ON database = pg_database.oid"
        " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
    )
    followers = {await asyncio.wait_for(terms.get(), 10)}

    assert killed == 1
    assert followers <= {"first", "second"}
    first.cancel()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)


async def test_work_that_fails_begins_anew_and_the_other_work_of_the_process_goes_on(
    database: Database, postgres: Any
) -> None:
    terms: asyncio.Queue[str] = asyncio.Queue()

    async def steady() -> None:
        await terms.put("steady")
        await asyncio.Event().wait()

    async def failing() -> None:
        await terms.put("failing")
        raise OSError("away")

    leading = asyncio.create_task(lead(await _url_of(database, postgres), {"steady": steady, "failing": failing}))
    seen = [await asyncio.wait_for(terms.get(), 10) for _ in range(4)]
    held = await database.pool.fetch(
        "SELECT pid FROM pg_locks JOIN pg_database ON database = pg_database.oid"
        " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
    )
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)

    assert sorted(seen) == ["failing", "failing", "failing", "steady"]
    assert len({row["pid"] for row in held}) == 1


async def _url_of(database: Database, postgres: Any) -> str:
    return str(postgres.url(await database.pool.fetchval("SELECT current_database()")))
