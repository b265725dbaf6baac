"""RoleService.UpdateRole."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

from services.auth.domain import RoleUpdated
from services.chassis.times import timestamp
from tests.component.auth.acme import ACME, ADA, BOB, CID, EVE, OTHER, ROBOT, TEAM, Acme
from tests.component.refusals import refusal
from tests.conftest import NOON, Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import role_service_pb2 as rpc


async def update(acme: Acme, by: str = ADA, organization: str = ACME, mask: str = "", **values: object) -> rpc.Role:
    request = rpc.UpdateRoleRequest(
        role=rpc.Role(**values),  # type: ignore[arg-type]
        update_mask=FieldMask(paths=mask.split(",")) if mask else None,
    )
    return await acme.service.roles.UpdateRole(request, metadata=await acme.token(by, organization))


async def test_changes_what_everybody_may_who_has_it(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    role = await acme.make_role("users.list")
    await acme.bind(role.name, CID)
    time.move(minutes=1)

    changed = await update(acme, name=role.name, permissions=["memberships.update", "users.list"], etag=role.etag)

    assert list(changed.permissions) == ["memberships.update", "users.list"]
    assert (changed.display_name, changed.etag) == (role.display_name, '"2"')
    assert changed.update_time.ToJsonString() == "2026-01-01T12:01:00Z"
    assert store.events[-1] == RoleUpdated(role.name, ACME, ("permissions",), time())
    assert "memberships.update" in await acme.permissions(CID)


async def test_changes_what_the_mask_names(acme: Acme) -> None:
    role = await acme.make_role("users.list", description="Helps.")

    changed = await update(acme, name=role.name, mask="description", display_name="Other")

    assert (changed.display_name, changed.description) == (role.display_name, "")


async def test_an_administrator_puts_nothing_into_a_role_that_only_owners_may(acme: Acme, store: FakeAuthStore) -> None:
    role = await acme.make_role("users.list", by=BOB)
    await acme.bind(role.name, BOB, by=BOB)

    refused = await refusal(update(acme, BOB, name=role.name, permissions=["organizations.delete"]))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "PERMISSION_NOT_HELD",
        {"permission": "organizations.delete"},
    )
    assert "organizations.delete" not in await acme.permissions(BOB)


async def test_an_administrator_does_not_touch_a_role_of_owners(acme: Acme) -> None:
    role = await acme.make_role("organizations.delete", "users.list")

    for changes in ({"permissions": ["users.list"]}, {"display_name": "Mine"}):
        refused = await refusal(update(acme, BOB, name=role.name, **changes))

        assert (refused.reason, refused.metadata) == ("PERMISSION_NOT_HELD", {"permission": "organizations.delete"})


@pytest.mark.parametrize("subject", [TEAM, ROBOT])
async def test_a_role_that_a_team_or_robot_has_gets_nothing_that_only_owners_may(acme: Acme, subject: str) -> None:
    role = await acme.make_role("users.list")
    await acme.bind(role.name, subject)

    refused = await refusal(update(acme, name=role.name, permissions=["organizations.delete"]))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "ROLE_FOR_USERS_ONLY",
        {"role": role.name},
    )


async def test_a_permission_that_the_contract_dropped_holds_nobody_back(acme: Acme, store: FakeAuthStore) -> None:
    role = await acme.make_role("users.list")
    old = store.tables.roles[role.name]
    store.tables.roles[role.name] = replace(old, permissions=old.permissions | {"carts.get"})

    changed = await update(acme, name=role.name, permissions=["users.list"])

    assert list(changed.permissions) == ["users.list"]


async def test_whoever_was_slower_reads_again(acme: Acme) -> None:
    role = await acme.make_role("users.list")
    await update(acme, name=role.name, display_name="First", etag=role.etag)

    refused = await refusal(update(acme, name=role.name, display_name="Second", etag=role.etag))

    assert (refused.code, refused.reason) == (StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_predefined_roles_do_not_change(acme: Acme) -> None:
    refused = await refusal(update(acme, name="roles/member", permissions=["users.list"]))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "ROLE_NOT_FOUND")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"mask": "predefined"}, "update_mask"),
        ({"mask": "create_time"}, "update_mask"),
        ({}, "update_mask"),
        ({"mask": "permissions"}, "role.permissions"),
        ({"display_name": " "}, "role.display_name"),
    ],
)
async def test_names_what_cannot_be(acme: Acme, values: dict[str, str], field: str) -> None:
    role = await acme.make_role("users.list")

    refused = await refusal(update(acme, name=role.name, **values))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, [field])


async def test_a_permission_that_nothing_asks_for(acme: Acme) -> None:
    role = await acme.make_role("users.list")

    assert (await refusal(update(acme, name=role.name, permissions=["memberships.fly"]))).reason == "PERMISSION_UNKNOWN"


async def test_members_and_others_are_denied(acme: Acme) -> None:
    role = await acme.make_role("users.list")

    member = await refusal(update(acme, CID, name=role.name, display_name="Mine"))
    foreign = await refusal(update(acme, EVE, OTHER, name=role.name, display_name="Mine"))
    unknown = await refusal(update(acme, EVE, OTHER, name=f"{ACME}/roles/rol_none", display_name="Mine"))

    assert (member.code, member.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert member == foreign == unknown


async def test_who_may_something_for_a_time_puts_it_into_no_role(acme: Acme) -> None:
    role = await acme.make_role("users.list")
    await acme.bind(role.name, CID)
    await acme.bind("roles/admin", CID, expire_time=timestamp(NOON + timedelta(hours=1)))

    refused = await refusal(update(acme, CID, name=role.name, permissions=["users.list", "memberships.update"]))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_NOT_HELD")
