"""What user stores, in memory and in PostgreSQL: every test of the suite runs over both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from cli.engines.postgres import PostgresEngine
from services.chassis.db import session, tables
from services.chassis.db.session import Codec, Database
from services.chassis.keys import Keyring
from services.chassis.operations import tables as operations
from services.chassis.operations.store import SqlOperations
from services.user import convert, events
from services.user.store import (
    SqlAttributeSchemas,
    SqlAuditLogs,
    SqlCertificates,
    SqlDomains,
    SqlExports,
    SqlInvitations,
    SqlMemberships,
    SqlOrganizations,
    SqlPreferences,
    SqlTeams,
    SqlUsers,
    SqlUserTransaction,
)
from services.user.store.tables import metadata
from tests.conftest import Ids, Time
from tests.engines import fresh_database
from tests.fakes.user import FakeUserStore, Ports

ALL_TABLES = [*reversed(metadata.sorted_tables), *tables.metadata.sorted_tables, *operations.metadata.sorted_tables]
EMPTY = "; ".join(f'DELETE FROM "{table.name}"' for table in ALL_TABLES)  # a tenth of the time of TRUNCATE


@pytest.fixture(scope="session")
def url(postgres: PostgresEngine) -> str:
    """One database for the suite; emptying it is quicker than making another."""
    return fresh_database(postgres, "user")


@pytest.fixture
async def database(url: str, time: Time, ids: Ids, keyring: Keyring) -> AsyncIterator[Database]:
    """The user database as its migrations make it, empty."""
    pool = await session.connect(url, size=8, statement_timeout_s=10)
    await pool.execute(EMPTY)
    codec = Codec(convert.answer_to_proto, events.announcement)
    yield Database(pool, time, ids, keyring, codec, asyncio.Event())
    pool.terminate()


@pytest.fixture
def sql(database: Database) -> Ports:
    return ports_of(database)


def ports_of(database: Database) -> Ports:
    """Return everything user stores, in a database."""
    return Ports(
        SqlUsers(database),
        SqlOrganizations(database),
        SqlMemberships(database),
        SqlInvitations(database),
        SqlDomains(database),
        SqlTeams(database),
        SqlPreferences(database),
        SqlAttributeSchemas(database),
        SqlAuditLogs(database),
        SqlOperations(database),
        SqlExports(database),
        SqlCertificates(database),
        partial(SqlUserTransaction, database),
    )


@pytest.fixture(params=["fake", "postgres"])
def ports(request: pytest.FixtureRequest, time: Time) -> Ports:
    """One implementation after the other."""
    if request.param == "fake":
        return FakeUserStore(time).ports
    found: Ports = request.getfixturevalue("sql")
    return found
