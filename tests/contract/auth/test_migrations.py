"""The migrations make the tables the store speaks of, and take them back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from cli.engines.postgres import PostgresEngine
from services.auth.store.tables import metadata
from services.chassis.db import migrate, tables
from services.chassis.personal_data import tables as personal_data
from tests.engines import fresh_database

VERSIONS = Path("services/auth/migrations/versions")


async def differences(url: str) -> list[Any]:
    """Return what the database has otherwise than the code says."""
    wanted = MetaData()
    for table in (*metadata.sorted_tables, *tables.metadata.sorted_tables, *personal_data.metadata.sorted_tables):
        table.to_metadata(wanted)
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool)
    async with engine.connect() as connection:
        found = await connection.run_sync(lambda sync: compare_metadata(MigrationContext.configure(sync), wanted))
    await engine.dispose()
    return [each for each in found if "alembic_version" not in str(each)]


def test_the_database_is_what_the_store_speaks_of(postgres: PostgresEngine) -> None:
    assert asyncio.run(differences(fresh_database(postgres, "auth"))) == []


def test_migrations_can_be_taken_back_and_made_again(postgres: PostgresEngine) -> None:
    url = fresh_database(postgres, "auth")

    command.downgrade(migrate._config("auth", url), "base")
    emptied = asyncio.run(differences(url))
    migrate.upgrade("auth", url)

    assert {kind for kind, *_ in emptied if isinstance(kind, str)} == {"add_table", "add_index"}
    assert asyncio.run(differences(url)) == []


def test_a_second_upgrade_does_nothing(postgres: PostgresEngine) -> None:
    url = fresh_database(postgres, "auth")

    migrate.upgrade("auth", url)

    newest = max(path.stem for path in VERSIONS.glob("0*.py"))
    assert migrate.status("auth", url) == (newest, newest)
