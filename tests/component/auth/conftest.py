"""The auth service over in-memory ports, with one person signed up and verified."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.auth.domain import Account
from tests.component.auth.acme import Acme, founded
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import PASSWORD, AuthProcess, Parts, running

ADA = "ada@example.com"


@pytest.fixture
def store(time: Time) -> FakeAuthStore:
    return FakeAuthStore(time)


@pytest.fixture
async def service(store: FakeAuthStore, time: Time) -> AsyncIterator[AuthProcess]:
    async with running(Parts(store.ports, time)) as process:
        yield process


@pytest.fixture
def ada(store: FakeAuthStore, time: Time) -> Account:
    """A verified account with PASSWORD."""
    account = Account("users/usr_ada", ADA, "Ada", f"new:{PASSWORD}", time())
    store.tables.accounts[account.user] = account
    return account


@pytest.fixture
def bob(store: FakeAuthStore, time: Time) -> Account:
    """Somebody else."""
    account = Account("users/usr_bob", "bob@example.com", "Bob", f"new:{PASSWORD}", time())
    store.tables.accounts[account.user] = account
    return account


@pytest.fixture
def acme(service: AuthProcess, store: FakeAuthStore) -> Acme:
    """An organization with an owner, an administrator and a member."""
    return founded(service, store)
