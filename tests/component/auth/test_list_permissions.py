"""RoleService.ListPermissions."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.auth.acme import CID, Acme
from tests.component.refusals import refusal
from tests.fakes.auth_process import AuthProcess
from trellis.auth.v1 import role_service_pb2 as rpc
from trellis.policies import PERMISSIONS


async def page(acme: Acme, **values: object) -> rpc.ListPermissionsResponse:
    request = rpc.ListPermissionsRequest(**values)  # type: ignore[arg-type]
    return await acme.service.roles.ListPermissions(request, metadata=await acme.token(CID))


async def test_lists_what_the_contract_asks_for(acme: Acme) -> None:
    answer = await page(acme, page_size=1000)

    assert [permission.name for permission in answer.permissions] == sorted(PERMISSIONS)
    [create] = [permission for permission in answer.permissions if permission.name == "memberships.create"]
    assert create == rpc.Permission(
        name="memberships.create",
        description="Makes a user a member of an organization without asking them.",
        methods=["trellis.user.v1.MembershipService.CreateMembership"],
        roles=["roles/owner", "roles/admin"],
    )


async def test_filters_and_pages(acme: Acme) -> None:
    wanted, known = 'name:"memberships."', sorted((name for name in PERMISSIONS if "memberships." in name), reverse=True)
    one = await page(acme, filter=wanted, order_by="name desc", page_size=2)
    two = await page(acme, filter=wanted, order_by="name desc", page_token=one.next_page_token)

    assert [permission.name for permission in one.permissions] == known[:2]
    assert [permission.name for permission in two.permissions] == known[2:]


async def test_names_what_it_cannot_answer(acme: Acme) -> None:
    refused = await refusal(page(acme, filter="roles = 1"))
    other = await refusal(page(acme, page_token="AAAA"))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["filter"])
    assert (other.code, other.reason) == (StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_refuses_strangers(service: AuthProcess) -> None:
    refused = await refusal(service.roles.ListPermissions(rpc.ListPermissionsRequest()))

    assert refused.code is StatusCode.UNAUTHENTICATED
