"""ServiceAccountService.ListServiceAccounts."""

from __future__ import annotations

from typing import Any

from tests.component.auth.acme import ACME, ADA, Acme
from tests.component.auth.keys import make_account
from tests.component.refusals import refusal
from tests.conftest import Time
from trellis.auth.v1 import service_account_service_pb2 as rpc


async def listed(acme: Acme, **values: Any) -> rpc.ListServiceAccountsResponse:
    request = rpc.ListServiceAccountsRequest(parent=ACME, **values)
    return await acme.service.service_accounts.ListServiceAccounts(request, metadata=await acme.token(ADA))


async def test_lists_page_by_page(acme: Acme, time: Time) -> None:
    made = list((await listed(acme)).service_accounts)
    for name in ("one", "two", "three"):
        time.move(minutes=1)
        made.append(await make_account(acme, display_name=name))

    first = await listed(acme, page_size=2)
    second = await listed(acme, page_size=2, page_token=first.next_page_token)

    assert [*first.service_accounts, *second.service_accounts] == made[::-1]


async def test_filters(acme: Acme) -> None:
    await make_account(acme, display_name="one")
    wanted = await make_account(acme, display_name="two")

    assert list((await listed(acme, filter='display_name = "two"')).service_accounts) == [wanted]


async def test_a_page_token_of_another_request_is_refused(acme: Acme) -> None:
    for name in ("one", "two"):
        await make_account(acme, display_name=name)
    token = (await listed(acme, page_size=1)).next_page_token

    assert (await refusal(listed(acme, page_token=token, order_by="display_name"))).reason == "PAGE_TOKEN_INVALID"
