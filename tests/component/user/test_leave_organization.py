"""InvitationService.LeaveOrganization."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from services.user.domain import MembershipDeleted
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, BOB, HIDDEN, NOTHING
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc

BOBS = f"{ACME}/memberships/usr_bob"
REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def leave(service: UserProcess, caller: Metadata, name: str = ACME, **values: Any) -> pb.Membership:
    request = rpc.LeaveOrganizationRequest(name=name, **values)
    return await service.memberships.LeaveOrganization(request, metadata=caller)


async def test_a_member_leaves(service: UserProcess, store: FakeUserStore, bob: Metadata, time: Time) -> None:
    left = await leave(service, bob)

    assert (left.name, left.user, left.role) == (BOBS, BOB, pb.ROLE_MEMBER)
    assert BOBS not in store.tables.memberships
    assert store.events == [MembershipDeleted(BOBS, ACME, BOB, time())]


async def test_an_administrator_leaves(service: UserProcess, cid: Metadata) -> None:
    assert (await leave(service, cid)).role == pb.ROLE_ADMIN


async def test_the_last_owner_stays(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    refused = await refusal(leave(service, ada))

    name = f"{ACME}/memberships/usr_ada"
    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "LAST_OWNER",
        {"membership": name},
    )
    assert name in store.tables.memberships


async def test_an_owner_beside_another_leaves(service: UserProcess, ada: Metadata) -> None:
    change = pb.Membership(name=BOBS, role=pb.ROLE_OWNER)
    await service.memberships.UpdateMembership(rpc.UpdateMembershipRequest(membership=change), metadata=ada)

    assert (await leave(service, ada)).user == ADA


async def test_who_left_already_is_not_found(service: UserProcess, bob: Metadata) -> None:
    await leave(service, bob)

    refused = await refusal(leave(service, bob))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "MEMBERSHIP_NOT_FOUND")


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, bob: Metadata) -> None:
    foreign = await refusal(leave(service, bob, HIDDEN))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(leave(service, bob, NOTHING))


async def test_a_deleted_or_purged_organization_does_not_change(
    service: UserProcess, store: FakeUserStore, ada: Metadata, bob: Metadata
) -> None:
    await service.organizations.DeleteOrganization(rpc.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(leave(service, bob))).reason == "ORGANIZATION_DELETED"
    del store.tables.organizations[ACME]
    assert (await refusal(leave(service, bob))).reason == "ORGANIZATION_NOT_FOUND"


async def test_the_same_request_is_answered_again(service: UserProcess, bob: Metadata) -> None:
    first = await leave(service, bob, request_id=REQUEST_ID)

    assert await leave(service, bob, request_id=REQUEST_ID) == first


async def test_validate_only_ends_nothing(service: UserProcess, store: FakeUserStore, bob: Metadata) -> None:
    assert (await leave(service, bob, validate_only=True)).name == BOBS

    assert BOBS in store.tables.memberships


async def test_a_token_without_the_permission_is_denied(service: UserProcess) -> None:
    refused = await refusal(leave(service, service.called_by(BOB)))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "memberships.leave"})


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(leave(service, ()))).code is StatusCode.UNAUTHENTICATED
