"""ServiceAccountService.CreateServiceAccount."""

from __future__ import annotations

from grpc import StatusCode

from services.auth.domain import (
    ServiceAccountCreated,
)
from tests.component.auth.acme import ACME, BOB, CID, Acme
from tests.component.auth.keys import make_account
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import service_account_service_pb2 as rpc


async def test_an_administrator_makes_one(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    account = await make_account(acme, BOB, description="nightly work")

    assert account.name.startswith(f"{ACME}/serviceAccounts/sva_")
    assert (account.display_name, account.role, account.state) == (
        "Robot",
        "roles/member",
        rpc.ServiceAccount.STATE_ACTIVE,
    )
    assert store.events[-1] == ServiceAccountCreated(account.name, ACME, "roles/member", time())


async def test_no_program_owns_an_organization(acme: Acme) -> None:
    assert (await refusal(make_account(acme, role="roles/owner"))).code is StatusCode.INVALID_ARGUMENT


async def test_a_member_is_denied(acme: Acme) -> None:
    assert (await refusal(make_account(acme, CID))).metadata == {"permission": "serviceAccounts.create"}
