"""RoleBindingService.ListRoleBindings."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from tests.component.auth.acme import ACME, BOB, CID, EVE, OTHER, TEAM, Acme
from tests.component.refusals import refusal
from tests.conftest import Time
from trellis.auth.v1 import role_binding_service_pb2 as rpc


async def page(acme: Acme, by: str = BOB, organization: str = ACME, **values: Any) -> rpc.ListRoleBindingsResponse:
    request = rpc.ListRoleBindingsRequest(**{"parent": ACME, **values})
    return await acme.service.role_bindings.ListRoleBindings(request, metadata=await acme.token(by, organization))


def names(answer: rpc.ListRoleBindingsResponse) -> list[str]:
    return [binding.name for binding in answer.role_bindings]


async def three(acme: Acme, time: Time) -> list[str]:
    made = []
    for role, subject, resource in (("roles/admin", CID, ACME), ("roles/member", CID, TEAM), ("roles/member", TEAM, ACME)):
        time.move(minutes=1)
        made.append((await acme.bind(role, subject, resource)).name)
    return made


async def test_lists_them_in_the_order_they_came_to_be(acme: Acme, time: Time) -> None:
    made = await three(acme, time)

    one = await page(acme, page_size=2)
    two = await page(acme, page_size=2, page_token=one.next_page_token)

    assert (names(one), names(two), two.next_page_token) == (made[:2], made[2:], "")
    assert names(await page(acme, order_by="create_time desc")) == made[::-1]


async def test_filters(acme: Acme, time: Time) -> None:
    first, second, third = await three(acme, time)

    assert names(await page(acme, filter=f'subject = "{CID}"')) == [first, second]
    assert names(await page(acme, filter='role = "roles/member"')) == [second, third]
    assert names(await page(acme, filter=f'resource = "{TEAM}"')) == [second]


@pytest.mark.parametrize(("field", "value"), [("filter", "creator = 1"), ("order_by", "expire_time"), ("page_size", -1)])
async def test_names_what_it_cannot_answer(acme: Acme, field: str, value: Any) -> None:
    await acme.bind("roles/member", CID)

    refused = await refusal(page(acme, **{field: value}))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", [field])


async def test_members_and_others_are_denied(acme: Acme) -> None:
    for by, organization in ((CID, ACME), (EVE, OTHER)):
        refused = await refusal(page(acme, by, organization))

        assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
