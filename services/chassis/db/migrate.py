"""Alembic for one service's database: `upgrade()` for the host and the CLI, `run()` for each `migrations/env.py`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

SERVICES = Path(__file__).parents[2]
LOCK = 7_401_225  # any number: two processes never migrate one database at once
LOCK_TIMEOUT = "SET lock_timeout = '2s'"  # a migration waits for nobody: it fails and is run again


def upgrade(service: str, database_url: str) -> None:
    """Bring the database to the newest revision. Does nothing, and imports nothing heavy, if it is there."""
    if asyncio.run(_revision(database_url)) == _head(service):
        return
    from alembic import command

    command.upgrade(_config(service, database_url), "head")


def status(service: str, database_url: str) -> tuple[str | None, str]:
    """Return the database's revision (None: empty) and the newest one."""
    return asyncio.run(_revision(database_url)), _head(service)


def _head(service: str) -> str:
    """Return the newest revision: files are named by their revision, in order."""
    return max(path.stem for path in (SERVICES / service / "migrations" / "versions").glob("[0-9]*.py"))


async def _revision(database_url: str) -> str | None:
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        return found
    finally:
        await connection.close()


def _config(service: str, database_url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SERVICES / service / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = database_url
    return config


def run() -> None:
    """Run the revisions that Alembic's context asks for. Called by a service's `migrations/env.py`."""
    asyncio.run(_run())


async def _run() -> None:
    from alembic import context
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    url = context.config.attributes["url"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: Connection) -> None:
    from alembic import context
    from sqlalchemy import text

    connection.execute(text(LOCK_TIMEOUT))
    connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))  # until the connection ends: a block may commit on its way
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()
