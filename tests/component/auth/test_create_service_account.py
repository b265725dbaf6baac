"""ServiceAccountService.CreateServiceAccount."""

from __future__ import annotations

from datetime import timedelta

from grpc import StatusCode

from services.auth.domain import (
    ServiceAccountCreated,
)
from services.chassis.times import timestamp
from tests.component.auth.acme import ACME, ADA, BOB, CID, Acme
from tests.component.auth.keys import make_account
from tests.component.refusals import refusal
from tests.conftest import NOON, Time
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


async def test_nobody_makes_one_that_may_do_more_than_they(acme: Acme, store: FakeAuthStore) -> None:
    helper = await acme.make_role("serviceAccounts.create", by=ADA)
    await acme.bind(helper.name, CID)
    before = dict(store.tables.service_accounts)

    refused = await refusal(make_account(acme, CID, role="roles/admin"))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_NOT_HELD")
    assert store.tables.service_accounts == before
    assert (await make_account(acme, CID)).role == "roles/member"


async def test_nobody_makes_one_while_memberships_cannot_be_read(acme: Acme) -> None:
    token = await acme.token(ADA)
    acme.service.parts.memberships.down = True
    request = rpc.CreateServiceAccountRequest(parent=ACME, service_account=rpc.ServiceAccount(display_name="Robot"))

    refused = await refusal(acme.service.service_accounts.CreateServiceAccount(request, metadata=token))

    assert (refused.code, refused.reason) == (StatusCode.UNAVAILABLE, "MEMBERSHIP_UNAVAILABLE")


async def test_who_may_something_for_a_time_makes_no_program_that_may_it_for_good(acme: Acme) -> None:
    await acme.bind("roles/admin", CID, expire_time=timestamp(NOON + timedelta(hours=1)))

    refused = await refusal(make_account(acme, CID, role="roles/admin"))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_NOT_HELD")
