"""The platform that the generated cases of one worker share. What changes something does it in its own organization."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dns_server import dns_server
from tests.e2e.platform import Platform, free_base
from tests.generated.ledger import Ledger
from tests.generated.requests import RecipeMissing, Requests
from tests.generated.world import World

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups when its own turn comes
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file in one worker: its cases share what is made for them."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group(item.path.name))


_told: set[str] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let a missing recipe fail once, not in every case that needs it."""
    return (yield from _told_once())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let a missing recipe fail once, not in every case that needs it."""
    return (yield from _told_once())


def _told_once() -> Generator[None, Any, Any]:
    try:
        return (yield)
    except RecipeMissing as missing:
        what = str(missing).partition(": ")[0]
        if what in _told:
            pytest.skip(f"needs what fails already: {what}")
        _told.add(what)
        raise


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """A platform of its own for each worker, on real engines, with the real edge."""
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


@pytest.fixture(scope="session")
def requests(world: World) -> Requests:
    """Makes valid requests."""
    return Requests(world)
