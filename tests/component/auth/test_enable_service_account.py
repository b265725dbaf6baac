"""ServiceAccountService.EnableServiceAccount."""

from __future__ import annotations

from datetime import timedelta

from services.auth.domain import (
    ServiceAccountEnabled,
    SessionCreated,
    State,
)
from tests.component.auth.acme import ACME, ADA, CID, Acme
from tests.component.auth.keys import make_account, make_key, opens
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import service_account_service_pb2 as rpc


def announced(store: FakeAuthStore) -> list[object]:
    """Return what was announced beside the sign-ins that calls here begin with."""
    return [event for event in store.events if not isinstance(event, SessionCreated)]


async def enable(acme: Acme, name: str, by: str = ADA) -> rpc.ServiceAccount:
    request = rpc.EnableServiceAccountRequest(name=name)
    return await acme.service.service_accounts.EnableServiceAccount(request, metadata=await acme.token(by))


async def disable(acme: Acme, name: str) -> rpc.ServiceAccount:
    request = rpc.DisableServiceAccountRequest(name=name)
    return await acme.service.service_accounts.DisableServiceAccount(request, metadata=await acme.token(ADA))


async def test_its_keys_follow_at_the_next_look(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    account = await make_account(acme)
    key = await make_key(acme, subject=account.name)
    await disable(acme, account.name)

    changed = await enable(acme, account.name)
    time.move(seconds=1)

    assert changed.state == rpc.ServiceAccount.STATE_ACTIVE
    assert ServiceAccountEnabled(account.name, ACME, time() - timedelta(seconds=1)) in store.events
    assert await opens(acme, key.secret) is True


async def test_doing_it_again_changes_nothing(acme: Acme, store: FakeAuthStore) -> None:
    account = await make_account(acme)
    first = await enable(acme, account.name)
    before = announced(store)

    assert await enable(acme, account.name) == first
    assert announced(store) == before


async def test_nobody_brings_back_a_program_that_may_do_more_than_they(acme: Acme, store: FakeAuthStore) -> None:
    account = await make_account(acme, role="roles/admin")
    await disable(acme, account.name)
    helper = await acme.make_role("serviceAccounts.enable")
    await acme.bind(helper.name, CID)

    assert (await refusal(enable(acme, account.name, by=CID))).reason == "PERMISSION_NOT_HELD"
    assert store.tables.service_accounts[account.name].state is State.DISABLED


async def test_what_is_not_there_is_not_found(acme: Acme) -> None:
    assert (await refusal(enable(acme, f"{ACME}/serviceAccounts/sva_no"))).reason == "SERVICE_ACCOUNT_NOT_FOUND"
