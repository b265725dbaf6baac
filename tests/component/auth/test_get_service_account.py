"""ServiceAccountService.GetServiceAccount."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.auth.acme import ACME, ADA, BOB, OTHER, Acme
from tests.component.auth.keys import make_account
from tests.component.refusals import refusal
from trellis.auth.v1 import service_account_service_pb2 as rpc


async def get(acme: Acme, name: str, by: str = ADA) -> rpc.ServiceAccount:
    request = rpc.GetServiceAccountRequest(name=name)
    return await acme.service.service_accounts.GetServiceAccount(request, metadata=await acme.token(by))


async def test_an_administrator_sees_it(acme: Acme) -> None:
    account = await make_account(acme)

    assert await get(acme, account.name, BOB) == account


async def test_what_is_not_there_is_not_found(acme: Acme) -> None:
    name = f"{ACME}/serviceAccounts/sva_no"
    refused = await refusal(get(acme, name))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "SERVICE_ACCOUNT_NOT_FOUND",
        {"service_account": name},
    )


async def test_another_organization_is_denied(acme: Acme) -> None:
    refused = await refusal(get(acme, f"{OTHER}/serviceAccounts/sva_1"))

    assert refused.code is StatusCode.PERMISSION_DENIED
