"""RoleService.DeleteRole."""

from __future__ import annotations

from grpc import StatusCode

from services.auth.domain import RoleDeleted
from services.chassis.times import timestamp
from tests.component.auth.acme import ACME, ADA, BOB, CID, EVE, OTHER, Acme
from tests.component.refusals import refusal
from tests.conftest import NOON, Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import role_service_pb2 as rpc


async def delete(acme: Acme, name: str, by: str = ADA, organization: str = ACME, etag: str = "") -> rpc.Role:
    request = rpc.DeleteRoleRequest(name=name, etag=etag)
    return await acme.service.roles.DeleteRole(request, metadata=await acme.token(by, organization))


async def test_deletes_for_good(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    role = await acme.make_role("users.list")

    assert await delete(acme, role.name, etag=role.etag) == role

    assert store.tables.roles == {}
    assert store.events[-1] == RoleDeleted(role.name, ACME, time())
    assert (await refusal(delete(acme, role.name))).reason == "ROLE_NOT_FOUND"


async def test_refused_while_somebody_has_it(acme: Acme) -> None:
    role = await acme.make_role("users.list")
    bound = await acme.bind(role.name, CID)

    refused = await refusal(delete(acme, role.name))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "ROLE_IN_USE",
        {"role": role.name},
    )
    await acme.unbind(bound.name)
    assert (await delete(acme, role.name)).name == role.name


async def test_what_has_expired_holds_nothing(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    role = await acme.make_role("users.list")
    end = timestamp(NOON.replace(hour=13))
    await acme.bind(role.name, CID, expire_time=end)
    time.move(hours=1)

    await delete(acme, role.name)

    assert store.tables.role_bindings == {}


async def test_an_administrator_does_not_touch_a_role_of_owners(acme: Acme, store: FakeAuthStore) -> None:
    role = await acme.make_role("organizations.delete")

    refused = await refusal(delete(acme, role.name, BOB))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_NOT_HELD")
    assert role.name in store.tables.roles


async def test_whoever_was_slower_reads_again(acme: Acme) -> None:
    role = await acme.make_role("users.list")

    refused = await refusal(delete(acme, role.name, etag='"7"'))

    assert (refused.code, refused.reason) == (StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_predefined_roles_stay(acme: Acme) -> None:
    refused = await refusal(delete(acme, "roles/member"))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["name"])


async def test_members_and_others_are_denied(acme: Acme) -> None:
    role = await acme.make_role("users.list")

    member = await refusal(delete(acme, role.name, CID))
    foreign = await refusal(delete(acme, role.name, EVE, OTHER))
    unknown = await refusal(delete(acme, f"{ACME}/roles/rol_none", EVE, OTHER))

    assert (member.code, member.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert member == foreign == unknown
