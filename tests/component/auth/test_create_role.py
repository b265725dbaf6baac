"""RoleService.CreateRole."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from services.auth.domain import Role, RoleCreated
from services.auth.domain.roles import MOST_ROLES
from tests.component.auth.acme import ACME, ADA, BOB, CID, EVE, OTHER, Acme
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import role_service_pb2 as rpc


async def test_makes_a_role_that_permits_nothing_yet(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    before = await acme.permissions(CID)

    made = await acme.make_role("users.list", "memberships.get", display_name="Helper", description="Helps.")

    assert (made.display_name, made.description, made.predefined) == ("Helper", "Helps.", False)
    assert list(made.permissions) == ["memberships.get", "users.list"]
    assert made.name.startswith(f"{ACME}/roles/rol_")
    assert made.etag == '"1"'
    assert store.events[-1] == RoleCreated(made.name, ACME, time())
    assert await acme.permissions(CID) == before


async def test_an_administrator_makes_no_role_of_what_only_owners_may(acme: Acme, store: FakeAuthStore) -> None:
    refused = await refusal(acme.make_role("organizations.delete", "users.list", by=BOB))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "PERMISSION_NOT_HELD",
        {"permission": "organizations.delete"},
    )
    assert store.tables.roles == {}
    assert (await acme.make_role("organizations.delete", by=ADA)).name in store.tables.roles


async def test_what_was_lost_since_the_token_cannot_be_given(acme: Acme) -> None:
    """A token lives for minutes; a role made with it would live for ever."""
    token = await acme.token(BOB)
    acme.service.parts.memberships.known[ACME, BOB] = ("roles.create",)
    role = rpc.Role(display_name="Helper", permissions=["memberships.update"])

    refused = await refusal(acme.service.roles.CreateRole(rpc.CreateRoleRequest(parent=ACME, role=role), metadata=token))

    assert (refused.reason, refused.metadata) == ("PERMISSION_NOT_HELD", {"permission": "memberships.update"})


async def test_somebody_who_left_makes_no_role(acme: Acme) -> None:
    token = await acme.token(BOB)
    del acme.service.parts.memberships.known[ACME, BOB]
    role = rpc.Role(display_name="Helper", permissions=["users.list"])

    refused = await refusal(acme.service.roles.CreateRole(rpc.CreateRoleRequest(parent=ACME, role=role), metadata=token))

    assert refused.reason == "PERMISSION_NOT_HELD"


async def test_a_permission_that_nothing_asks_for(acme: Acme) -> None:
    refused = await refusal(acme.make_role("memberships.fly"))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.INVALID_ARGUMENT,
        "PERMISSION_UNKNOWN",
        {"permission": "memberships.fly"},
    )


async def test_an_organization_has_300_roles_at_most(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    for number in range(MOST_ROLES):
        name = f"{ACME}/roles/rol_{number}"
        store.tables.roles[name] = Role(name, "", "", frozenset(), time(), time(), 1)

    refused = await refusal(acme.make_role("users.list"))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.RESOURCE_EXHAUSTED,
        "TOO_MANY_ROLES",
        {"organization": ACME},
    )


async def test_while_memberships_cannot_be_read_nothing_is_made(acme: Acme, store: FakeAuthStore) -> None:
    token = await acme.token(ADA)
    acme.service.parts.memberships.down = True
    request = rpc.CreateRoleRequest(parent=ACME, role=rpc.Role(display_name="Helper", permissions=["users.list"]))

    refused = await refusal(acme.service.roles.CreateRole(request, metadata=token))

    assert (refused.code, refused.reason) == (StatusCode.UNAVAILABLE, "MEMBERSHIP_UNAVAILABLE")
    assert store.tables.roles == {}


@pytest.mark.parametrize(
    ("role", "field"),
    [
        (rpc.Role(permissions=["users.list"]), "role.display_name"),
        (rpc.Role(display_name=" ", permissions=["users.list"]), "role.display_name"),
        (rpc.Role(display_name="Helper"), "role.permissions"),
        (rpc.Role(display_name="Helper", permissions=["users.list", "users.list"]), "role.permissions"),
    ],
)
async def test_names_what_is_missing(acme: Acme, role: rpc.Role, field: str) -> None:
    request = rpc.CreateRoleRequest(parent=ACME, role=role)

    refused = await refusal(acme.service.roles.CreateRole(request, metadata=await acme.token(ADA)))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, [field])


async def test_validate_only_makes_nothing(acme: Acme, store: FakeAuthStore) -> None:
    role = rpc.Role(display_name="Helper", permissions=["users.list"])
    request = rpc.CreateRoleRequest(parent=ACME, role=role, validate_only=True)

    await acme.service.roles.CreateRole(request, metadata=await acme.token(ADA))

    assert store.tables.roles == {}


@pytest.mark.parametrize(("by", "organization"), [(CID, ACME), (EVE, OTHER)])
async def test_members_and_others_make_none(acme: Acme, by: str, organization: str) -> None:
    role = rpc.Role(display_name="Helper", permissions=["users.list"])
    request = rpc.CreateRoleRequest(parent=ACME, role=role)

    refused = await refusal(acme.service.roles.CreateRole(request, metadata=await acme.token(by, organization)))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
