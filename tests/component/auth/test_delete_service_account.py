"""ServiceAccountService.DeleteServiceAccount."""

from __future__ import annotations

from datetime import timedelta

from services.auth.domain import (
    ServiceAccountDeleted,
)
from tests.component.auth.acme import ACME, ADA, Acme
from tests.component.auth.keys import make_account, make_key, opens
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import service_account_service_pb2 as rpc


async def delete(acme: Acme, name: str, etag: str = "") -> rpc.ServiceAccount:
    request = rpc.DeleteServiceAccountRequest(name=name, etag=etag)
    return await acme.service.service_accounts.DeleteServiceAccount(request, metadata=await acme.token(ADA))


async def test_its_keys_go_with_it(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    account = await make_account(acme)
    key = await make_key(acme, subject=account.name)

    assert await delete(acme, account.name) == account
    time.move(seconds=1)

    assert store.tables.api_keys == {}
    assert store.events[-1] == ServiceAccountDeleted(account.name, ACME, time() - timedelta(seconds=1))
    assert await opens(acme, key.secret) is False


async def test_who_was_slower_is_told(acme: Acme) -> None:
    account = await make_account(acme)

    assert (await refusal(delete(acme, account.name, '"9"'))).reason == "ETAG_MISMATCH"
    assert (await refusal(delete(acme, f"{ACME}/serviceAccounts/sva_no"))).reason == "SERVICE_ACCOUNT_NOT_FOUND"
