"""What auth stores, in memory and in PostgreSQL: every test of the suite runs over both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from cli.engines.postgres import PostgresEngine
from services.auth import convert, events
from services.auth.store import (
    SqlAccounts,
    SqlApiKeys,
    SqlAuthTransaction,
    SqlRoleBindings,
    SqlRoles,
    SqlServiceAccounts,
    SqlSessions,
    SqlSigningKeys,
    SqlSignUps,
)
from services.auth.store.tables import metadata
from services.chassis.db import session, tables
from services.chassis.db.session import Codec, Database
from services.chassis.keys import Keyring
from services.chassis.personal_data import tables as personal_data
from tests.conftest import Ids, Time
from tests.engines import fresh_database
from tests.fakes.auth import FakeAuthStore, Ports

ALL_TABLES = [
    *reversed(metadata.sorted_tables),
    *tables.metadata.sorted_tables,
    *personal_data.metadata.sorted_tables,
]
EMPTY = "; ".join(f'DELETE FROM "{table.name}"' for table in ALL_TABLES)  # a tenth of the time of TRUNCATE


@pytest.fixture(scope="session")
def url(postgres: PostgresEngine) -> str:
    """One database for the suite; emptying it is quicker than making another."""
    return fresh_database(postgres, "auth")


@pytest.fixture
async def database(url: str, time: Time, ids: Ids, keyring: Keyring) -> AsyncIterator[Database]:
    """The auth database as its migrations make it, empty."""
    pool = await session.connect(url, size=8, statement_timeout_s=10)
    await pool.execute(EMPTY)
    codec = Codec(convert.answer_to_proto, events.announcement)
    yield Database(pool, time, ids, keyring, codec, asyncio.Event())
    pool.terminate()


@pytest.fixture
def sql(database: Database) -> Ports:
    return ports_of(database)


def ports_of(database: Database) -> Ports:
    """Return everything auth stores, in a database."""
    return Ports(
        SqlAccounts(database),
        SqlSignUps(database),
        SqlSessions(database),
        SqlSigningKeys(database),
        partial(SqlAuthTransaction, database),
        SqlRoles(database),
        SqlRoleBindings(database),
        SqlServiceAccounts(database),
        SqlApiKeys(database),
    )


@pytest.fixture(params=["fake", "postgres"])
def ports(request: pytest.FixtureRequest, time: Time) -> Ports:
    """One implementation after the other."""
    if request.param == "fake":
        return FakeAuthStore(time).ports
    found: Ports = request.getfixturevalue("sql")
    return found
