"""RoleBindingService.CreateRoleBinding."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from services.auth.domain import RoleBinding, RoleBindingCreated, TeamAccessChanged
from services.auth.domain.role_bindings import MOST_BINDINGS
from services.chassis.times import timestamp
from tests.component.auth.acme import ACME, ADA, BOB, CID, EVE, OTHER, ROBOT, TEAM, Acme
from tests.component.refusals import refusal
from tests.conftest import NOON, Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import role_binding_service_pb2 as rpc

PROJECT = f"{ACME}/projects/prj_1"
OTHER_TEAM = f"{ACME}/teams/team_2"


async def test_a_role_on_the_organization_is_in_the_next_token(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    before = await acme.permissions(CID)

    made = await acme.bind("roles/admin", CID)

    assert (made.role, made.subject, made.resource, made.creator) == ("roles/admin", CID, ACME, ADA)
    assert made.name.startswith(f"{ACME}/roleBindings/rbd_")
    assert store.events[-1] == RoleBindingCreated(made.name, ACME, "roles/admin", CID, ACME, time())
    assert "memberships.update" not in before
    assert "memberships.update" in await acme.permissions(CID)


async def test_a_team_has_it_for_its_members(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    acme.put_into(CID, TEAM)

    made = await acme.bind("roles/admin", TEAM)

    assert store.events[-2:] == [
        RoleBindingCreated(made.name, ACME, "roles/admin", TEAM, ACME, time()),
        TeamAccessChanged(ACME, TEAM, time()),
    ]
    assert "memberships.update" in await acme.permissions(CID)


async def test_a_role_below_the_organization_leaves_the_rest_alone(acme: Acme) -> None:
    before = await acme.permissions(CID)

    made = await acme.bind("roles/admin", CID, PROJECT)

    assert made.resource == PROJECT
    assert await acme.permissions(CID) == before


async def test_what_has_expired_is_in_no_token(acme: Acme, time: Time) -> None:
    await acme.bind("roles/admin", CID, expire_time=timestamp(NOON.replace(hour=13)))
    granted = await acme.permissions(CID)
    time.move(hours=1)

    assert "memberships.update" in granted
    assert "memberships.update" not in await acme.permissions(CID)


async def test_a_token_ends_with_the_first_binding_behind_it(acme: Acme, time: Time) -> None:
    end = timestamp(NOON.replace(minute=2))
    await acme.bind("roles/admin", CID, expire_time=end)

    tokens = await acme.service.sign_in("cid@example.com", organization=ACME)

    assert tokens.expire_time == end


async def test_the_same_again_exists(acme: Acme, time: Time) -> None:
    await acme.bind("roles/admin", CID, expire_time=timestamp(NOON.replace(hour=13)))

    refused = await refusal(acme.bind("roles/admin", CID, ACME))

    assert (refused.code, refused.reason) == (StatusCode.ALREADY_EXISTS, "ROLE_BINDING_EXISTS")
    time.move(hours=1)
    assert (await acme.bind("roles/admin", CID, ACME)).HasField("expire_time") is False


By = Callable[[Acme, str], Awaitable[object]]


async def by_the_predefined_role(acme: Acme, subject: str) -> None:
    await acme.bind("roles/owner", subject, by=BOB)


async def by_an_owners_role(acme: Acme, subject: str) -> None:
    await acme.bind((await acme.make_role("organizations.delete")).name, subject, by=BOB)


async def on_something_below(acme: Acme, subject: str) -> None:
    await acme.bind("roles/owner", subject, PROJECT, by=BOB)


async def test_a_program_has_to_be_there(acme: Acme) -> None:
    subject = f"{ACME}/serviceAccounts/sva_none"

    refused = await refusal(acme.bind("roles/member", subject))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "SUBJECT_NOT_FOUND",
        {"subject": subject},
    )


@pytest.mark.parametrize("subject", [BOB, CID, TEAM, ROBOT])
@pytest.mark.parametrize("attempt", [by_the_predefined_role, by_an_owners_role, on_something_below])
async def test_an_administrator_gives_nobody_what_only_owners_may(
    acme: Acme, store: FakeAuthStore, attempt: By, subject: str
) -> None:
    acme.put_into(BOB, TEAM)

    refused = await refusal(attempt(acme, subject))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "PERMISSION_NOT_HELD",
        {"permission": "organizations.delete"},
    )
    assert store.tables.role_bindings == {}
    assert "organizations.delete" not in await acme.permissions(BOB)


@pytest.mark.parametrize("subject", [TEAM, ROBOT])
async def test_owners_do_not_leave_their_rights_where_administrators_can_take_them(acme: Acme, subject: str) -> None:
    own = await acme.make_role("organizations.delete", "users.list")

    for role in ("roles/owner", own.name):
        refused = await refusal(acme.bind(role, subject))

        assert (refused.code, refused.reason, refused.metadata) == (
            StatusCode.FAILED_PRECONDITION,
            "ROLE_FOR_USERS_ONLY",
            {"role": role},
        )


async def test_an_owner_may_give_another_user_everything(acme: Acme) -> None:
    await acme.bind("roles/owner", BOB)

    assert "organizations.delete" in await acme.permissions(BOB)


async def test_what_somebody_has_for_a_time_they_give_for_no_longer(acme: Acme, time: Time) -> None:
    """Or a role for an hour would be one for good, given to oneself."""
    end = NOON.replace(hour=13)
    await acme.bind("roles/admin", CID, expire_time=timestamp(end))

    for_good = await refusal(acme.bind("roles/admin", CID, by=CID))
    longer = await refusal(acme.bind("roles/admin", OTHER_TEAM, by=CID, expire_time=timestamp(end + timedelta(seconds=1))))
    shorter = await acme.bind("roles/admin", OTHER_TEAM, by=CID, expire_time=timestamp(end - timedelta(seconds=1)))

    assert (for_good.reason, longer.reason) == ("PERMISSION_NOT_HELD", "PERMISSION_NOT_HELD")
    assert shorter.subject == OTHER_TEAM


async def test_a_user_who_is_no_member_gets_nothing_whether_or_not_it_exists(acme: Acme) -> None:
    foreign = await refusal(acme.bind("roles/member", EVE))
    unknown = await refusal(acme.bind("roles/member", "users/usr_nobody"))

    assert (foreign.code, foreign.reason, foreign.metadata) == (StatusCode.NOT_FOUND, "SUBJECT_NOT_FOUND", {"subject": EVE})
    assert (unknown.code, unknown.reason) == (foreign.code, foreign.reason)


@pytest.mark.parametrize(
    "names",
    [
        {"role": f"{OTHER}/roles/rol_1", "subject": CID},
        {"role": "roles/member", "subject": f"{OTHER}/teams/team_1"},
        {"role": "roles/member", "subject": f"{OTHER}/serviceAccounts/sva_1"},
        {"role": "roles/member", "subject": CID, "resource": OTHER},
        {"role": "roles/member", "subject": CID, "resource": f"{OTHER}/teams/team_1"},
    ],
)
async def test_nothing_of_another_organization_can_be_named(acme: Acme, names: dict[str, str]) -> None:
    refused = await refusal(acme.bind(**names))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def test_a_role_that_is_not_there(acme: Acme) -> None:
    for role in (f"{ACME}/roles/rol_none", "roles/emperor"):
        refused = await refusal(acme.bind(role, CID))

        assert (refused.code, refused.reason, refused.metadata) == (StatusCode.NOT_FOUND, "ROLE_NOT_FOUND", {"role": role})


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"expire_time": timestamp(NOON)}, "role_binding.expire_time"),
        ({"expire_time": Timestamp(seconds=1 << 60)}, "role_binding.expire_time"),
        ({"subject": "services/user"}, "role_binding.subject"),
        ({"subject": ""}, "role_binding.subject"),
        ({"role": ""}, "role_binding.role"),
        ({"resource": f"{ACME}/projects"}, "role_binding.resource"),
        ({"resource": f"{ACME}/../org_other"}, "role_binding.resource"),
    ],
)
async def test_names_what_cannot_be(acme: Acme, values: dict[str, object], field: str) -> None:
    refused = await refusal(acme.bind(**{"role": "roles/member", "subject": CID, **values}))  # type: ignore[arg-type]

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, [field])


async def test_while_memberships_cannot_be_read_nothing_is_given(acme: Acme, store: FakeAuthStore) -> None:
    token = await acme.token(ADA)
    acme.service.parts.memberships.down = True
    binding = rpc.RoleBinding(role="roles/member", subject=ROBOT)
    request = rpc.CreateRoleBindingRequest(parent=ACME, role_binding=binding)

    refused = await refusal(acme.service.role_bindings.CreateRoleBinding(request, metadata=token))

    assert (refused.code, refused.reason) == (StatusCode.UNAVAILABLE, "MEMBERSHIP_UNAVAILABLE")
    assert store.tables.role_bindings == {}


async def test_validate_only_gives_nothing(acme: Acme, store: FakeAuthStore) -> None:
    binding = rpc.RoleBinding(role="roles/admin", subject=CID)
    request = rpc.CreateRoleBindingRequest(parent=ACME, role_binding=binding, validate_only=True)

    await acme.service.role_bindings.CreateRoleBinding(request, metadata=await acme.token(ADA))

    assert store.tables.role_bindings == {}


@pytest.mark.parametrize(("by", "organization"), [(CID, ACME), (EVE, OTHER)])
async def test_members_and_others_give_none(acme: Acme, by: str, organization: str) -> None:
    binding = rpc.RoleBinding(role="roles/member", subject=CID)
    request = rpc.CreateRoleBindingRequest(parent=ACME, role_binding=binding)
    token = await acme.token(by, organization)

    refused = await refusal(acme.service.role_bindings.CreateRoleBinding(request, metadata=token))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def test_a_subject_has_no_more_than_can_be_read_for_a_token(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    for number in range(MOST_BINDINGS):
        name, resource = f"{ACME}/roleBindings/rbd_x{number}", f"{ACME}/projects/prj_x{number}"
        store.tables.role_bindings[name] = RoleBinding(name, "roles/member", CID, resource, None, ADA, time())

    refused = await refusal(acme.bind("roles/member", CID))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.RESOURCE_EXHAUSTED,
        "TOO_MANY_ROLE_BINDINGS",
        {"subject": CID},
    )
    assert (await acme.bind("roles/member", BOB)).subject == BOB
