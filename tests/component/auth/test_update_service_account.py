"""ServiceAccountService.UpdateServiceAccount."""

from __future__ import annotations

from google.protobuf.field_mask_pb2 import FieldMask

from services.auth.domain import (
    ServiceAccountUpdated,
)
from tests.component.auth.acme import ACME, ADA, CID, Acme
from tests.component.auth.keys import make_account
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import service_account_service_pb2 as rpc


async def update(acme: Acme, account: rpc.ServiceAccount, *paths: str, by: str = ADA) -> rpc.ServiceAccount:
    request = rpc.UpdateServiceAccountRequest(service_account=account, update_mask=FieldMask(paths=paths))
    return await acme.service.service_accounts.UpdateServiceAccount(request, metadata=await acme.token(by))


async def test_another_role_is_announced(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    account = await make_account(acme)

    changed = await update(acme, rpc.ServiceAccount(name=account.name, role="roles/admin"), "role")

    assert (changed.role, changed.display_name) == ("roles/admin", "Robot")
    assert store.events[-1] == ServiceAccountUpdated(account.name, ACME, "roles/admin", time())


async def test_who_was_slower_is_told(acme: Acme) -> None:
    account = await make_account(acme)
    late = rpc.ServiceAccount(name=account.name, display_name="Late", etag='"9"')

    assert (await refusal(update(acme, late, "display_name"))).reason == "ETAG_MISMATCH"


async def test_what_is_not_there_is_not_found(acme: Acme) -> None:
    nothing = rpc.ServiceAccount(name=f"{ACME}/serviceAccounts/sva_no", display_name="x")

    assert (await refusal(update(acme, nothing))).reason == "SERVICE_ACCOUNT_NOT_FOUND"


async def test_nobody_lets_a_program_do_more_than_they_may(acme: Acme, store: FakeAuthStore) -> None:
    account = await make_account(acme)
    helper = await acme.make_role("serviceAccounts.update")
    await acme.bind(helper.name, CID)

    raised = rpc.ServiceAccount(name=account.name, role="roles/admin", display_name="Renamed")

    assert (await refusal(update(acme, raised, "role", by=CID))).reason == "PERMISSION_NOT_HELD"
    assert store.tables.service_accounts[account.name].role == "roles/member"
    assert (await update(acme, raised, "display_name", by=CID)).display_name == "Renamed"


async def test_nobody_takes_from_a_program_what_they_may_not_do(acme: Acme) -> None:
    account = await make_account(acme, role="roles/admin")
    helper = await acme.make_role("serviceAccounts.update")
    await acme.bind(helper.name, CID)

    lowered = rpc.ServiceAccount(name=account.name, role="roles/member")

    assert (await refusal(update(acme, lowered, "role", by=CID))).reason == "PERMISSION_NOT_HELD"
