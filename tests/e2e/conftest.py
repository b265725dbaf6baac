"""The running platform that the end-to-end tests share, and the people in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.client import Person, sign_up
from tests.e2e.platform import Platform, eventually, free_base

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups when its own turn comes
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file in one worker: its tests share a platform."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group(item.path.name))


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """One platform for each worker, on real engines. TRELLIS_E2E_KEEP=1 keeps its home, with the logs."""
    home = Path(tempfile.mkdtemp(prefix="trellis-e2e-"))
    home.chmod(0o755)  # PostgreSQL runs as nobody when we are root; its data would go, and stay, elsewhere
    running = Platform(home, free_base())
    running.up()
    try:
        yield running
    finally:
        running.down()
        if not os.environ.get("TRELLIS_E2E_KEEP"):
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def ada(platform: Platform) -> Person:
    """The owner of an organization."""
    person = sign_up(platform.rest, platform.mail, "Ada")
    person.new_organization("Acme")
    return person


@pytest.fixture(scope="module")
def bob(platform: Platform, ada: Person) -> Person:
    """A member of Ada's organization."""
    person = sign_up(platform.rest, platform.mail, "Bob")
    person.rest.ok("GET", "/v1/users/me")
    ada.add_member(person)
    assert person.switch(ada.organization).status == 200
    return person


@pytest.fixture(scope="module")
def eve(platform: Platform) -> Person:
    """The owner of another organization."""
    person = sign_up(platform.rest, platform.mail, "Eve")
    person.new_organization("Evil")
    return person


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest) -> None:
    """Renew the people's tokens before a test that uses them: they last minutes, a run may last longer.

    UNAVAILABLE means: try again. The test before may have killed something.
    """
    for name in {"ada", "bob", "eve"} & set(request.fixturenames):
        assert renewed(request.getfixturevalue(name)) == 200, name


def renewed(person: Person) -> int:
    """Return how a refresh ended, once it was not UNAVAILABLE."""

    def status() -> int:
        found = person.refresh().status
        return 0 if found == 503 else found

    return eventually(status)
