"""UserService.DeactivateUser."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from services.user.domain import Membership, Organization, Role, UserDeactivated, UserState, membership_name
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, BOB, CID, NOBODY, stamp
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc


async def deactivate(service: UserProcess, caller: Metadata, name: str = "users/me", **values: Any) -> pb.User:
    return await service.users.DeactivateUser(rpc.DeactivateUserRequest(name=name, **values), metadata=caller)


@pytest.mark.parametrize("name", ["users/me", BOB])
async def test_an_account_is_out_of_use_at_once(
    service: UserProcess, store: FakeUserStore, bob: Metadata, time: Time, name: str
) -> None:
    user = await deactivate(service, bob, name)

    assert (user.name, user.state, user.deactivate_time, user.etag) == (BOB, pb.User.STATE_DEACTIVATED, stamp(time), '"2"')
    assert store.events == [UserDeactivated(BOB, time())]


async def test_nobody_deactivates_somebody_else(service: UserProcess, ada: Metadata) -> None:
    somebody = await refusal(deactivate(service, ada, BOB))

    assert (somebody.code, somebody.reason) == (StatusCode.PERMISSION_DENIED, "USER_NOT_VISIBLE")
    assert (await refusal(deactivate(service, ada, NOBODY))).reason == "USER_NOT_VISIBLE"


async def test_the_last_owner_makes_somebody_else_an_owner_first(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    other = "organizations/org_other"
    store.tables.organizations[other] = Organization(other, "Other", NOON, NOON)
    store.tables.memberships[membership_name(other, ADA)] = Membership(other, ADA, Role.OWNER, NOON, NOON)

    refused = await refusal(deactivate(service, ada))

    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "LAST_OWNER_OF")
    assert refused.metadata == {"user": ADA, "organizations": f"{ACME}, {other}"}
    assert store.tables.users[ADA].state is UserState.ACTIVE


async def test_one_of_two_owners_may_leave_the_other_may_not(
    service: UserProcess, store: FakeUserStore, ada: Metadata, cid: Metadata
) -> None:
    store.tables.memberships[membership_name(ACME, CID)] = Membership(ACME, CID, Role.OWNER, NOON, NOON)

    assert (await deactivate(service, ada)).state == pb.User.STATE_DEACTIVATED

    assert (await refusal(deactivate(service, cid))).metadata["organizations"] == ACME


async def test_a_deleted_organization_holds_nobody_back(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    await service.organizations.DeleteOrganization(rpc.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await deactivate(service, ada)).state == pb.User.STATE_DEACTIVATED


async def test_an_account_out_of_use_cannot_be_deactivated_again(service: UserProcess, bob: Metadata) -> None:
    await deactivate(service, bob)

    refused = await refusal(deactivate(service, bob))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "USER_NOT_ACTIVE",
        {"user": BOB},
    )


async def test_a_change_since_it_was_read_is_noticed(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(deactivate(service, bob, etag='"7"'))

    assert (refused.code, refused.reason) == (StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_no_token_is_given_for_an_organization_any_more(service: UserProcess, bob: Metadata) -> None:
    await deactivate(service, bob)

    request = rpc.ResolveMembershipRequest(organization=ACME, user=BOB)
    refused = await refusal(service.memberships.ResolveMembership(request, metadata=service.called_by_service("auth")))

    assert refused.reason == "MEMBERSHIP_NOT_FOUND"


async def test_a_repeated_request_is_one_change(service: UserProcess, store: FakeUserStore, bob: Metadata) -> None:
    request_id = "5c9c1e44-8a25-4d8a-9a5a-3f9a9b1a7c11"

    first = await deactivate(service, bob, request_id=request_id)

    assert await deactivate(service, bob, request_id=request_id) == first
    assert len(store.events) == 1


async def test_validate_only_changes_nothing(service: UserProcess, store: FakeUserStore, bob: Metadata) -> None:
    assert (await deactivate(service, bob, validate_only=True)).state == pb.User.STATE_DEACTIVATED

    assert store.tables.users[BOB].state is UserState.ACTIVE


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(deactivate(service, ()))).code is StatusCode.UNAUTHENTICATED
