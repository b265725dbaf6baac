"""The platform that the generated cases of one file share. What changes something does it in its own organization."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dns_server import dns_server
from tests.e2e.platform import Platform, free_base
from tests.generated.ledger import Ledger
from tests.generated.requests import Requests
from tests.generated.world import World

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file in one worker: its cases share a platform."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group(item.path.name))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A platform of its own for each file, on real engines, with the real edge."""
    home = Path(tempfile.mkdtemp(prefix="trellis-generated-"))
    home.chmod(0o755)  # PostgreSQL runs as nobody when we are root
    with dns_server() as name_server:
        platform = Platform(home, free_base(), (("TRELLIS_DNS_SERVERS", name_server.address),))
        platform.up()
        ledger = Ledger(platform)
        try:
            yield World(platform, ledger, name_server)
        finally:
            ledger.close()
            platform.down()
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def requests(world: World) -> Requests:
    """Makes valid requests."""
    return Requests(world)
