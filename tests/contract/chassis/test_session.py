"""One unit of work on real PostgreSQL: all or nothing, once, whatever happens to its caller."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import bindparam, column, func, insert, select, table

from services.chassis import audit, repeat
from services.chassis.audit import AuditedCall, RunningCall
from services.chassis.db.session import Announcement, Codec, Database, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.db.tables import answers, inbox, outbox
from services.chassis.errors import RequestIdReused
from tests.conftest import NOON

NOTES = table("notes", column("text"))
ADD = Statement(insert(NOTES).values(text=bindparam("text")))
COUNT = {
    name: Statement(select(func.count()).select_from(source))
    for name, source in {"notes": NOTES, "outbox": outbox, "answers": answers, "inbox": inbox}.items()
}
ACME = "organizations/org_acme"


def announcement(event: Any) -> Announcement:
    text = f"audited {event.code}" if isinstance(event, AuditedCall) else event
    return Announcement("user.v1.noted", text, text.encode())


CODEC = Codec(answer=lambda answer: StringValue(value=answer), event=announcement)
FIRST = repeat.Request(key=b"k" * 32, fingerprint=b"f" * 32)


@pytest.fixture
async def database(open_database: Callable[[str, Codec], Any]) -> Database:
    """An empty database with one table of notes."""
    opened: Database = await open_database("user", CODEC)
    await opened.pool.execute("CREATE TABLE notes (text text)")
    return opened


async def note(database: Database, text: str, identity: repeat.Request | repeat.Delivery = repeat.NOT_REPEATABLE) -> str:
    """Write a note, announce it and answer with it, under an identity."""
    token = repeat.current.set(identity)
    try:
        async with SqlTransaction(database) as tx:
            await tx.execute(ADD, text=text)
            tx.outbox.add(text)
            await tx.commit(text)
        return text
    finally:
        repeat.current.reset(token)


async def count(database: Database, what: str) -> int:
    """Return how many rows there are."""
    row = await database.fetchrow(COUNT[what])
    assert row is not None
    return int(row[0])


async def test_leaving_without_commit_changes_nothing(database: Database) -> None:
    async with SqlTransaction(database) as tx:
        await tx.execute(ADD, text="lost")
        tx.outbox.add("lost")

    assert (await count(database, "notes"), await count(database, "outbox")) == (0, 0)


async def test_an_error_changes_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with SqlTransaction(database) as tx:
            await tx.execute(ADD, text="lost")
            raise ZeroDivisionError

    assert await count(database, "notes") == 0


async def test_effect_and_event_commit_together(database: Database) -> None:
    await note(database, "kept")

    assert (await count(database, "notes"), await count(database, "outbox")) == (1, 1)
    assert database.committed.is_set()


async def test_validate_only_keeps_nothing(database: Database) -> None:
    await note(database, "checked", repeat.Request(validate_only=True))

    assert [await count(database, what) for what in ("notes", "outbox", "answers")] == [0, 0, 0]


async def test_a_repeated_request_gets_the_first_answer(database: Database) -> None:
    await note(database, "first", FIRST)

    with pytest.raises(repeat.AlreadyDone) as done:
        await note(database, "second", FIRST)

    assert StringValue.FromString(done.value.answer).value == "first"
    assert (await count(database, "notes"), await count(database, "outbox")) == (1, 1)


async def test_another_body_under_the_same_id_is_refused(database: Database) -> None:
    await note(database, "first", FIRST)

    with pytest.raises(RequestIdReused):
        await note(database, "other", repeat.Request(FIRST.key, b"o" * 32))

    assert await count(database, "notes") == 1


async def test_a_failed_request_may_be_sent_again(database: Database) -> None:
    repeat.current.set(FIRST)
    with pytest.raises(ZeroDivisionError):
        async with SqlTransaction(database):
            raise ZeroDivisionError

    assert await note(database, "second try", FIRST) == "second try"


async def test_answers_are_not_stored_in_the_clear(database: Database) -> None:
    await note(database, "a secret answer", FIRST)

    stored = await database.pool.fetchval("SELECT answer FROM answers")

    assert b"secret" not in stored


async def test_twenty_duplicates_at_once_take_effect_once(database: Database) -> None:
    outcomes = await asyncio.gather(*(note(database, "once", FIRST) for _ in range(20)), return_exceptions=True)

    assert outcomes.count("once") == 1
    assert sum(isinstance(outcome, repeat.AlreadyDone) for outcome in outcomes) == 19
    assert (await count(database, "notes"), await count(database, "outbox")) == (1, 1)


async def test_an_event_takes_effect_once_per_subscription(database: Database) -> None:
    await note(database, "heard", repeat.Delivery("mail", ("evt_1",)))

    with pytest.raises(repeat.AlreadyDone):
        await note(database, "heard again", repeat.Delivery("mail", ("evt_1",)))
    await note(database, "heard elsewhere", repeat.Delivery("search", ("evt_1",)))

    assert await count(database, "notes") == 2


async def test_several_events_take_effect_together_or_not_at_all(database: Database) -> None:
    await note(database, "both", repeat.Delivery("mail", ("evt_1", "evt_2")))

    for part in ("evt_1", "evt_2"):
        with pytest.raises(repeat.AlreadyDone):
            await note(database, "again", repeat.Delivery("mail", (part,)))
    with pytest.raises(repeat.AlreadyDone):
        await note(database, "half of it again", repeat.Delivery("mail", ("evt_2", "evt_3")))
    await note(database, "the other half", repeat.Delivery("mail", ("evt_3",)))

    assert await count(database, "notes") == 2


async def test_a_cancelled_caller_leaves_no_open_transaction(database: Database) -> None:
    """R12: transactions cancelled anywhere leave nothing half-written and no connection behind."""
    chance = random.Random(7)

    async def cancelled(number: int) -> None:
        task = asyncio.ensure_future(note(database, f"note {number}"))
        for _ in range(chance.randrange(60)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    await asyncio.gather(*(cancelled(number) for number in range(200)))
    await note(database, "still works")

    assert await count(database, "notes") == await count(database, "outbox") >= 1
    assert await _idle_in_transaction(database) == 0


async def _idle_in_transaction(database: Database) -> int:
    """Return how many connections hold a transaction open, once shielded rollbacks had their time."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
    async with asyncio.timeout(10):
        while found := int(await database.pool.fetchval(query)):
            await asyncio.sleep(0.01)
    return found


# Audit


def told(code: str, reason: str, answered: str) -> AuditedCall:
    """Tell of a call, as the middleware would."""
    return AuditedCall("aud_1", NOON, ACME, "user", "Rpc", "users/usr_ada", "", (answered,), code, reason, "", "", "")


async def audited(database: Database, text: str, identity: repeat.Request = repeat.NOT_REPEATABLE) -> RunningCall:
    """Write a note in an audited call."""
    running = RunningCall(told)
    token = audit.current.set(running)
    try:
        await note(database, text, identity)
    finally:
        audit.current.reset(token)
    return running


async def announced(database: Database) -> list[str]:
    """Return the subjects of what is announced, in order."""
    return [row["subject"] for row in await database.fetch(Statement(select(outbox).order_by(outbox.c.sequence)))]


async def test_an_audited_call_is_told_in_the_transaction_of_its_effect(database: Database) -> None:
    running = await audited(database, "kept")

    assert await announced(database) == ["kept", "audited OK"]
    assert running.recorded


async def test_a_call_without_effect_is_not_told(database: Database) -> None:
    token = audit.current.set(running := RunningCall(told))
    try:
        with pytest.raises(ZeroDivisionError):
            async with SqlTransaction(database) as tx:
                tx.outbox.add("lost")
                await tx.commit(1 / 0)
    finally:
        audit.current.reset(token)

    assert (await announced(database), running.recorded) == ([], False)


async def test_a_repetition_and_a_trial_are_not_told(database: Database) -> None:
    await audited(database, "once", FIRST)
    with pytest.raises(repeat.AlreadyDone):
        await audited(database, "once", FIRST)
    await audited(database, "tried", repeat.Request(validate_only=True))

    assert await announced(database) == ["once", "audited OK"]


async def test_a_call_of_several_transactions_is_told_once_by_the_one_that_answers(database: Database) -> None:
    token = audit.current.set(RunningCall(told))
    try:
        async with SqlTransaction(database) as tx:
            tx.outbox.add("before")
            await tx.commit()
        await note(database, "answered")
        await note(database, "after")
    finally:
        audit.current.reset(token)

    assert await announced(database) == ["before", "answered", "audited OK", "after"]
