"""Fixtures that several suites share: movable time, counted ids, real engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.engines.postgres import PostgresEngine
from cli.engines.valkey import ValkeyEngine
from services.chassis import audit, principal, repeat
from services.chassis.db import session
from services.chassis.db.session import Codec, Database
from services.chassis.keys import Keyring
from tests import engines

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(slots=True)
class Time:
    """A clock that stands still until it is moved."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        """Let time pass."""
        self.at += timedelta(**by)


class Ids:
    """Ids that count: `usr_1`, `usr_2`."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def __call__(self, prefix: str) -> str:
        self._last[prefix] = self._last.get(prefix, 0) + 1
        return f"{prefix}_{self._last[prefix]}"


@pytest.fixture
def time() -> Time:
    """Noon of New Year's Day, until moved."""
    return Time()


@pytest.fixture
def ids() -> Ids:
    """Counting ids."""
    return Ids()


@pytest.fixture
def keyring() -> Keyring:
    """The keys of a service whose root secret is zeros."""
    return Keyring(bytes(32))


@pytest.fixture(autouse=True)
def _nobody_calls() -> None:
    """Begin every test without a caller and without an identity to repeat."""
    principal.enter(principal.ANONYMOUS)
    repeat.current.set(repeat.NOT_REPEATABLE)
    audit.current.set(None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresEngine]:
    """A real PostgreSQL."""
    with engines.postgres() as engine:
        yield engine


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyEngine]:
    """A real Valkey."""
    with engines.valkey() as engine:
        yield engine


OpenDatabase = Callable[[str, Codec], Any]


@pytest.fixture
async def open_database(
    postgres: PostgresEngine, time: Time, ids: Ids, keyring: Keyring
) -> AsyncIterator[Callable[[str, Codec], Any]]:
    """Opens a fresh database of a service with its codec."""
    pools = []

    async def open_one(service: str, codec: Codec) -> Database:
        url = engines.fresh_database(postgres, service)
        pool = await session.connect(url, size=8, statement_timeout_s=10)
        pools.append(pool)
        return Database(pool, time, ids, keyring, codec, asyncio.Event())

    yield open_one
    for pool in pools:
        pool.terminate()
