"""The real engines behind the chassis' ports, started once for the session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.chassis.bus.valkey import connect_valkey
from tests.engines.valkey import ValkeyServer


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A Valkey that no test stops."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def valkey(shared_server: ValkeyServer) -> AsyncIterator[Any]:
    """A client of the shared server, which is empty."""
    client = connect_valkey(shared_server.url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey for a test that kills it."""
    server = ValkeyServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def own_valkey(own_server: ValkeyServer) -> AsyncIterator[Any]:
    """A client of the server that may be killed."""
    client = connect_valkey(own_server.url)
    yield client
    await client.aclose()
