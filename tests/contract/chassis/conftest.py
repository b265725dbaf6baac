"""Valkey behind the chassis' ports: one that all tests share, and one a test may kill."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.engines.valkey import ValkeyEngine
from services.chassis.bus.valkey import connect_valkey
from tests.contract.chassis.mortal import MortalValkey


@pytest.fixture
async def client(valkey: ValkeyEngine) -> AsyncIterator[Any]:
    """A client of the shared Valkey, which is empty."""
    client = connect_valkey(valkey.url())
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[MortalValkey]:
    """A running Valkey for a test that kills it."""
    server = MortalValkey(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def mortal_client(mortal: MortalValkey) -> AsyncIterator[Any]:
    """A client of the Valkey that may be killed."""
    client = connect_valkey(mortal.url)
    yield client
    await client.aclose()
