"""RoleBindingService.GetRoleBinding."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.auth.acme import ACME, BOB, CID, EVE, OTHER, Acme
from tests.component.refusals import refusal
from trellis.auth.v1 import role_binding_service_pb2 as rpc

NONE = f"{ACME}/roleBindings/rbd_none"


async def get(acme: Acme, name: str, by: str = BOB, organization: str = ACME) -> rpc.RoleBinding:
    request = rpc.GetRoleBindingRequest(name=name)
    return await acme.service.role_bindings.GetRoleBinding(request, metadata=await acme.token(by, organization))


async def test_gets_it(acme: Acme) -> None:
    made = await acme.bind("roles/admin", CID)

    assert await get(acme, made.name) == made


async def test_what_is_not_there(acme: Acme) -> None:
    refused = await refusal(get(acme, NONE))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "ROLE_BINDING_NOT_FOUND",
        {"role_binding": NONE},
    )


async def test_members_and_others_are_denied_whether_or_not_it_exists(acme: Acme) -> None:
    made = await acme.bind("roles/member", CID)

    member = await refusal(get(acme, made.name, CID))
    foreign = await refusal(get(acme, made.name, EVE, OTHER))
    unknown = await refusal(get(acme, NONE, EVE, OTHER))

    assert (member.code, member.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert member == foreign == unknown
