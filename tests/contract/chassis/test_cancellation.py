"""The unit of work under callers that give up anywhere: nothing half-written, no connection lost, nothing said twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import bindparam, select, text

from cli.engines.postgres import PostgresEngine
from services.chassis import repeat
from services.chassis.db import session
from services.chassis.db.session import Codec, Database
from services.chassis.db.statements import Statement
from services.chassis.keys import Keyring
from services.user import convert, events
from services.user.domain import User, UserUpdated
from services.user.store import SqlUsers, SqlUserTransaction
from services.user.store.tables import users
from tests.conftest import NOON, Ids, OpenDatabase, Time

ADA = User("users/usr_ada", "ada@example.com", "Ada", NOON, NOON)
RENAMED = UserUpdated(ADA.name, ("display_name",), NOON)
REQUEST = repeat.Request(b"k" * 32, b"f" * 32)
CODEC = Codec(convert.answer_to_proto, events.announcement)
SLOWLY = Statement(select(users.c.name).where(text("pg_sleep(:seconds) IS NOT NULL")).where(users.c.name == bindparam("n")))


@pytest.fixture
async def database(open_database: OpenDatabase) -> Database:
    """A user database of one test, all connections of its pool open."""
    opened: Database = await open_database("user", CODEC)
    for connection in [await opened.pool.acquire() for _ in range(8)]:
        await opened.pool.release(connection)
    return opened


@pytest.fixture
async def watcher(database: Database, postgres: PostgresEngine) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection beside the pool."""
    [name] = await database.pool.fetchrow("SELECT current_database()")  # type: ignore[misc]
    connection = await asyncpg.connect(postgres.url(name))
    yield connection
    await connection.close()


@pytest.fixture
async def complaints() -> list[dict[str, Any]]:
    """What asyncio, asyncpg among it, complains of that nobody waits for."""
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(context))
    return found


async def add_ada(database: Database, answer: User | None = ADA) -> None:
    async with SqlUserTransaction(database) as tx:
        await tx.users.add(ADA)
        tx.outbox.add(RENAMED)
        await tx.commit(answer)


async def counted(database: Database) -> tuple[int, int, int, int]:
    """Return the numbers of users, events, answers and events seen."""
    row = await database.pool.fetchrow(
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM outbox), (SELECT count(*) FROM answers), "
        "(SELECT count(*) FROM inbox)"
    )
    assert row is not None
    return tuple(row)


async def test_a_duplicate_of_a_request_that_fails_takes_its_place(database: Database) -> None:
    repeat.current.set(REQUEST)
    claimed, fail = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with SqlUserTransaction(database):
            claimed.set()
            await fail.wait()
            raise ZeroDivisionError

    failing = asyncio.ensure_future(first())
    await claimed.wait()
    waiting = asyncio.ensure_future(add_ada(database))
    fail.set()

    with pytest.raises(ZeroDivisionError):
        await failing
    await waiting

    assert await counted(database) == (1, 1, 1, 0)


async def test_a_commit_that_was_begun_ends_though_its_caller_is_cancelled(
    database: Database, complaints: list[dict[str, Any]]
) -> None:
    async def work(number: int) -> None:
        async with SqlUserTransaction(database) as tx:
            await tx.users.add(User(f"users/usr_{number}", "", "", NOON, NOON))
            tx.outbox.add(UserUpdated(f"users/usr_{number}", (), NOON))
            committing = asyncio.ensure_future(tx.commit())
            while database.pool.get_idle_size() == database.pool.get_size():
                await asyncio.sleep(0)
            for _ in range(number):  # each is cancelled a step later, before, within and after the commit
                await asyncio.sleep(0)
            committing.cancel()
            await committing

    results = await asyncio.gather(*(work(number) for number in range(60)), return_exceptions=True)
    await until_idle(database.pool)

    users_there, events_there, *_ = await counted(database)
    assert users_there == events_there >= results.count(None)
    assert complaints == []


async def test_a_statement_that_takes_too_long_is_ended(
    postgres: PostgresEngine, database: Database, time: Time, ids: Ids, keyring: Keyring
) -> None:
    name = await database.pool.fetchval("SELECT current_database()")
    pool = await session.connect(postgres.url(name), size=1, statement_timeout_s=0.05)
    hasty = Database(pool, time, ids, keyring, CODEC, asyncio.Event())
    await add_ada(database)

    with pytest.raises(asyncpg.QueryCanceledError):
        await hasty.fetchrow(SLOWLY, seconds=30, n=ADA.name)

    await SqlUsers(hasty).get(ADA.name)
    pool.terminate()


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_a_storm_of_cancellations_leaves_nothing_behind(
    database: Database, watcher: asyncpg.Connection[Any], complaints: list[dict[str, Any]], seed: int
) -> None:
    """Each of 200 transactions adds one user and one event; many are cancelled, wherever they are."""
    chance = random.Random(seed)
    finished: set[str] = set()

    async def work(name: str) -> None:
        async with SqlUserTransaction(database) as tx:
            await tx.users.add(User(name, "", "", NOON, NOON))
            tx.outbox.add(UserUpdated(name, (), NOON))
            await tx.fetch(SLOWLY, seconds=0.001, n=name)
            await tx.commit()
        finished.add(name)

    async def cancelled(name: str) -> None:
        try:
            async with asyncio.timeout(chance.uniform(0, 0.25)):
                await work(name)
        except TimeoutError:
            pass

    await asyncio.gather(*(cancelled(f"users/usr_{i}") for i in range(200)))
    await until_idle(database.pool)

    assert await open_transactions(watcher) == 0
    written = {row["name"] for row in await database.pool.fetch("SELECT name FROM users")}
    announced = {row["subject"] for row in await database.pool.fetch("SELECT subject FROM outbox")}
    assert written == announced
    assert written >= finished
    assert complaints == []
    await add_ada(database)
    assert await SqlUsers(database).get(ADA.name) == ADA


async def test_every_connection_is_usable_after_its_transaction_was_cancelled(
    database: Database, watcher: asyncpg.Connection[Any]
) -> None:
    async def hang() -> None:
        async with SqlUserTransaction(database) as tx:
            await tx.users.add(ADA)
            await tx.fetch(SLOWLY, seconds=30, n=ADA.name)

    hanging = [asyncio.ensure_future(hang()) for _ in range(8)]
    await asyncio.wait(hanging, timeout=0.3)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    await until_idle(database.pool)

    assert await open_transactions(watcher) == 0
    await asyncio.gather(*(add_ada(database) for _ in range(16)))
    assert (await counted(database))[:2] == (1, 16)


async def until_idle(pool: asyncpg.Pool[Any]) -> None:
    """Wait until nobody holds a connection."""
    async with asyncio.timeout(10):
        while pool.get_idle_size() < pool.get_size():
            await asyncio.sleep(0.005)


async def open_transactions(watcher: asyncpg.Connection[Any]) -> int:
    """Return how many backends of the pool are inside a transaction."""
    found: int = await watcher.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND xact_start IS NOT NULL"
    )
    return found
