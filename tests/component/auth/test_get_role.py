"""RoleService.GetRole."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.auth.acme import ACME, CID, EVE, OTHER, Acme
from tests.component.refusals import refusal
from tests.fakes.auth_process import AuthProcess
from trellis.auth.v1 import role_service_pb2 as rpc
from trellis.policies import ROLE_PERMISSIONS


async def get(acme: Acme, name: str, by: str = CID, organization: str = ACME) -> rpc.Role:
    return await acme.service.roles.GetRole(rpc.GetRoleRequest(name=name), metadata=await acme.token(by, organization))


async def test_a_member_sees_the_roles_of_the_organization(acme: Acme) -> None:
    made = await acme.make_role("users.list", "memberships.get")

    assert await get(acme, made.name) == made


async def test_predefined_roles_are_what_the_contract_says(acme: Acme) -> None:
    role = await get(acme, "roles/admin")

    assert list(role.permissions) == sorted(ROLE_PERMISSIONS["admin"])
    assert (role.name, role.display_name, role.predefined, role.etag) == ("roles/admin", "Administrator", True, "")


async def test_what_is_not_there(acme: Acme) -> None:
    for name in (f"{ACME}/roles/rol_none", "roles/emperor"):
        refused = await refusal(get(acme, name))

        assert (refused.code, refused.reason, refused.metadata) == (StatusCode.NOT_FOUND, "ROLE_NOT_FOUND", {"role": name})


async def test_another_organizations_are_denied_whether_or_not_they_exist(acme: Acme) -> None:
    made = await acme.make_role("users.list")

    foreign = await refusal(get(acme, made.name, EVE, OTHER))
    unknown = await refusal(get(acme, f"{ACME}/roles/rol_none", EVE, OTHER))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == unknown


async def test_refuses_strangers(service: AuthProcess) -> None:
    refused = await refusal(service.roles.GetRole(rpc.GetRoleRequest(name="roles/owner")))

    assert refused.code is StatusCode.UNAUTHENTICATED
