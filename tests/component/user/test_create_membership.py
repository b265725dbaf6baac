"""MembershipService.CreateMembership."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from grpc import StatusCode

from services.user.domain import (
    AttributeSchema,
    DomainState,
    Membership,
    MembershipCreated,
    MembershipDeleted,
    Role,
    Team,
    TeamMember,
    TeamMemberCreated,
    User,
    UserState,
)
from tests.component.refusals import refusal
from tests.component.user.attributes import struct
from tests.component.user.conftest import ACME, ADA, BOB, EVE, HIDDEN, NOBODY, NOTHING, own_example_com, stamp
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.policies import ROLE_PERMISSIONS
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"
NAME = f"{ACME}/memberships/usr_eve"


@pytest.fixture(autouse=True)
def _own(store: FakeUserStore) -> None:
    own_example_com(store)


async def create(
    service: UserProcess,
    caller: Metadata,
    user: str = EVE,
    role: pb.Role.ValueType = pb.ROLE_MEMBER,
    parent: str = ACME,
    **values: Any,
) -> pb.Membership:
    request = rpc.CreateMembershipRequest(parent=parent, membership=pb.Membership(user=user, role=role), **values)
    return await service.memberships.CreateMembership(request, metadata=caller)


@pytest.mark.parametrize("who", ["ada", "cid"])
async def test_an_owner_or_administrator_takes_somebody_in(
    service: UserProcess, store: FakeUserStore, request: pytest.FixtureRequest, time: Time, who: str
) -> None:
    created = await create(service, request.getfixturevalue(who))

    now = stamp(time)
    assert created == pb.Membership(name=NAME, user=EVE, role=pb.ROLE_MEMBER, create_time=now, update_time=now, etag='"1"')
    assert store.events == [MembershipCreated(NAME, ACME, EVE, Role.MEMBER, time())]


async def test_only_an_owner_makes_owners(service: UserProcess, ada: Metadata, cid: Metadata) -> None:
    refused = await refusal(create(service, cid, role=pb.ROLE_OWNER))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "OWNER_REQUIRED",
        {"organization": ACME},
    )
    assert (await create(service, ada, role=pb.ROLE_OWNER)).role == pb.ROLE_OWNER


async def test_the_role_of_now_counts_and_not_the_token(service: UserProcess, store: FakeUserStore, cid: Metadata) -> None:
    del store.tables.memberships[f"{ACME}/memberships/usr_cid"]

    assert (await refusal(create(service, cid))).reason == "OWNER_REQUIRED"


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(create(service, bob))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "memberships.create"})


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(create(service, ada, parent=HIDDEN))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(create(service, ada, parent=NOTHING))


async def test_nobody_becomes_a_member_twice(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    refused = await refusal(create(service, ada, BOB, pb.ROLE_OWNER))

    name = f"{ACME}/memberships/usr_bob"
    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.ALREADY_EXISTS,
        "MEMBERSHIP_EXISTS",
        {"membership": name},
    )
    assert store.tables.memberships[name].role is Role.MEMBER


async def test_nobody_unknown_becomes_a_member(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(create(service, ada, NOBODY))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "USER_NOT_FOUND",
        {"user": NOBODY},
    )


async def test_a_stranger_is_as_good_as_unknown_and_decides_by_an_invitation(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    """Or whoever knows a name would read the profile, and give people a role that they never asked for."""
    store.tables.domains.clear()

    refused = await refusal(create(service, ada))

    assert (refused.code, refused.reason, refused.metadata) == (StatusCode.NOT_FOUND, "USER_NOT_FOUND", {"user": EVE})
    assert NAME not in store.tables.memberships


async def test_a_domain_counts_once_it_is_proved(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    (own,) = store.tables.domains.values()
    store.tables.domains[own.name] = replace(own, state=DomainState.UNVERIFIED)

    assert (await refusal(create(service, ada))).reason == "USER_NOT_FOUND"


async def test_whom_the_caller_met_in_another_organization_is_taken_in(
    service: UserProcess, store: FakeUserStore, ada: Metadata, cid: Metadata
) -> None:
    store.tables.domains.clear()
    store.tables.memberships[f"{HIDDEN}/memberships/usr_ada"] = Membership(HIDDEN, ADA, Role.MEMBER, NOON, NOON)

    assert (await refusal(create(service, cid))).reason == "USER_NOT_FOUND"  # Ada has met Eve, Cid has not
    assert (await create(service, ada)).name == NAME


@pytest.mark.parametrize("state", [UserState.DEACTIVATED, UserState.DELETED, UserState.ERASED, UserState.PROVISIONED])
async def test_who_has_no_active_account_is_as_good_as_unknown(
    service: UserProcess, store: FakeUserStore, ada: Metadata, state: UserState
) -> None:
    by = HIDDEN if state is UserState.PROVISIONED else None
    store.tables.users[EVE] = replace(store.tables.users[EVE], state=state, provisioned_by=by)
    store.tables.users[BOB] = replace(store.tables.users[BOB], state=state)

    refused = await refusal(create(service, ada))

    assert (refused.code, refused.reason, refused.metadata) == (StatusCode.NOT_FOUND, "USER_NOT_FOUND", {"user": EVE})
    assert NAME not in store.tables.memberships
    assert (await refusal(create(service, ada, BOB))).reason == "MEMBERSHIP_EXISTS"


@pytest.mark.parametrize(("said", "kept"), [({}, {"desk": "7"}), ({"desk": "8"}, {"desk": "8"})])
async def test_who_was_imported_takes_that_over(
    service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time, said: dict[str, str], kept: dict[str, str]
) -> None:
    imported, team = "users/usr_imported", f"{ACME}/teams/team_1"
    tables, was = store.tables, Membership(ACME, imported, Role.ADMIN, NOON, NOON, attributes={"desk": "7"})
    tables.users[imported] = User(
        imported, "eve@example.com", "E.", NOON, NOON, state=UserState.PROVISIONED, provisioned_by=ACME
    )
    tables.memberships[was.name] = was
    tables.teams[team] = Team(team, "Ops", NOON, NOON)
    tables.team_members[f"{team}/members/usr_imported"] = TeamMember(team, imported, NOON)
    tables.attribute_schemas[ACME] = AttributeSchema(ACME, {"type": "object"}, NOON, 1)
    membership = pb.Membership(user=EVE, role=pb.ROLE_MEMBER, attributes=struct(said))

    request = rpc.CreateMembershipRequest(parent=ACME, membership=membership)
    created = await service.memberships.CreateMembership(request, metadata=ada)

    assert (created.role, created.attributes) == (pb.ROLE_MEMBER, struct(kept))
    assert imported not in store.tables.users
    assert was.name not in store.tables.memberships
    assert list(store.tables.team_members) == [f"{team}/members/usr_eve"]
    assert store.events == [
        MembershipCreated(NAME, ACME, EVE, Role.MEMBER, time()),
        TeamMemberCreated(team, ACME, EVE, time()),
        MembershipDeleted(was.name, ACME, imported, time()),
    ]


async def test_a_deleted_organization_takes_nobody_in(service: UserProcess, ada: Metadata) -> None:
    await service.organizations.DeleteOrganization(rpc.DeleteOrganizationRequest(name=ACME), metadata=ada)

    refused = await refusal(create(service, ada))

    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "ORGANIZATION_DELETED")


async def test_a_purged_organization_is_not_found(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    del store.tables.organizations[ACME]

    assert (await refusal(create(service, ada))).reason == "ORGANIZATION_NOT_FOUND"


async def test_the_same_request_creates_one(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    first = await create(service, ada, request_id=REQUEST_ID)

    assert await create(service, ada, request_id=REQUEST_ID) == first

    assert len(store.events) == 1


async def test_validate_only_creates_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    assert (await create(service, ada, validate_only=True)).name == NAME

    assert NAME not in store.tables.memberships


@pytest.mark.parametrize(
    ("user", "role", "field"),
    [
        ("", pb.ROLE_MEMBER, "membership.user"),
        ("people/eve", pb.ROLE_MEMBER, "membership.user"),
        (EVE, pb.ROLE_UNSPECIFIED, "membership.role"),
    ],
)
async def test_refuses_what_cannot_be(
    service: UserProcess, ada: Metadata, user: str, role: pb.Role.ValueType, field: str
) -> None:
    refused = await refusal(create(service, ada, user, role))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", [field])


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(create(service, ()))).code is StatusCode.UNAUTHENTICATED


async def test_a_service_account_takes_somebody_in_but_makes_no_owners(service: UserProcess, store: FakeUserStore) -> None:
    robot = service.called_by(f"{ACME}/serviceAccounts/sva_1", ACME, "admin")
    refused = await refusal(create(service, robot, role=pb.ROLE_OWNER))
    await create(service, robot)

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "OWNER_REQUIRED")
    assert store.tables.memberships[NAME].role is Role.MEMBER


@pytest.mark.parametrize("role", [pb.ROLE_OWNER, pb.ROLE_ADMIN])
async def test_an_api_key_gives_no_role_that_permits_more_than_its_scopes(
    service: UserProcess, store: FakeUserStore, role: pb.Role.ValueType
) -> None:
    narrow = service.called_by_key("memberships.create")

    refused = await refusal(create(service, narrow, role=role))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert NAME not in store.tables.memberships
    assert (await create(service, narrow)).role == pb.ROLE_MEMBER


async def test_an_api_key_with_all_that_administrators_may_makes_one(service: UserProcess) -> None:
    wide = service.called_by_key(*ROLE_PERMISSIONS["admin"])

    assert (await create(service, wide, role=pb.ROLE_ADMIN)).role == pb.ROLE_ADMIN
