"""Real engines for tests: one PostgreSQL and one Valkey a worker, a fresh database a test."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.engines.postgres import PostgresEngine
from cli.engines.process import running
from cli.engines.valkey import ValkeyEngine
from services.chassis.db.migrate import upgrade
from tests.fakes.ports import free_port

_numbers = itertools.count()


@contextmanager
def postgres() -> Iterator[PostgresEngine]:
    """Run PostgreSQL with a migrated template database for each service."""
    with _directory() as home, running(PostgresEngine(home, free_port())) as engine:
        for service in ("auth", "user"):
            engine.create_database(f"template_{service}")
            upgrade(service, engine.url(f"template_{service}"))
        yield engine


@contextmanager
def valkey() -> Iterator[ValkeyEngine]:
    """Run Valkey."""
    with _directory() as home, running(ValkeyEngine(home, free_port())) as engine:
        yield engine


def fresh_database(engine: PostgresEngine, service: str) -> str:
    """Return the URL of a new, migrated, empty database of a service."""
    name = f"test_{service}_{next(_numbers)}"
    engine.sql(f"CREATE DATABASE {name} TEMPLATE template_{service}")
    return engine.url(name)


@contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="trellis-test-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)  # PostgreSQL runs as nobody when we are root
        yield Path(directory)
