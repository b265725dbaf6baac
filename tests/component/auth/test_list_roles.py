"""RoleService.ListRoles."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from tests.component.auth.acme import ACME, CID, EVE, OTHER, Acme
from tests.component.refusals import refusal
from trellis.auth.v1 import role_service_pb2 as rpc

PREDEFINED = ["roles/admin", "roles/member", "roles/owner"]


async def page(acme: Acme, by: str = CID, organization: str = ACME, **values: Any) -> rpc.ListRolesResponse:
    request = rpc.ListRolesRequest(**{"parent": ACME, **values})
    return await acme.service.roles.ListRoles(request, metadata=await acme.token(by, organization))


def names(answer: rpc.ListRolesResponse) -> list[str]:
    return [role.name for role in answer.roles]


async def test_lists_what_can_be_bound(acme: Acme) -> None:
    first = await acme.make_role("users.list", display_name="Zeta")
    second = await acme.make_role("users.list", display_name="Alpha")

    assert names(await page(acme)) == [first.name, second.name, *PREDEFINED]
    assert names(await page(acme, order_by="display_name"))[:2] == ["roles/admin", second.name]


async def test_filters_and_pages(acme: Acme) -> None:
    first = await acme.make_role("users.list")
    second = await acme.make_role("users.list")

    own = await page(acme, filter="predefined = false", page_size=1)
    rest = await page(acme, filter="predefined = false", page_size=1, page_token=own.next_page_token)

    assert (names(own), names(rest), rest.next_page_token) == ([first.name], [second.name], "")
    assert names(await page(acme, filter="predefined = true")) == PREDEFINED


@pytest.mark.parametrize(
    ("field", "value"),
    [("filter", "permissions = 1"), ("filter", "predefined = perhaps"), ("order_by", "predefined"), ("page_size", -1)],
)
async def test_names_what_it_cannot_answer(acme: Acme, field: str, value: Any) -> None:
    refused = await refusal(page(acme, **{field: value}))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", [field])


async def test_another_organizations_are_denied(acme: Acme) -> None:
    refused = await refusal(page(acme, EVE, OTHER))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
