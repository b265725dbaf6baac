"""MembershipService.DeleteMembership."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from services.user.domain import MembershipDeleted
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, BOB, HIDDEN, NOTHING
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc

ADAS, BOBS = (f"{ACME}/memberships/usr_{short}" for short in ("ada", "bob"))
REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def delete(service: UserProcess, caller: Metadata, name: str, **values: Any) -> pb.Membership:
    request = rpc.DeleteMembershipRequest(name=name, **values)
    return await service.memberships.DeleteMembership(request, metadata=caller)


@pytest.mark.parametrize("who", ["ada", "cid"])
async def test_an_owner_or_administrator_ends_it(
    service: UserProcess, store: FakeUserStore, request: pytest.FixtureRequest, time: Time, who: str
) -> None:
    ended = await delete(service, request.getfixturevalue(who), BOBS)

    assert (ended.name, ended.user, ended.role) == (BOBS, BOB, pb.ROLE_MEMBER)
    assert BOBS not in store.tables.memberships
    assert store.events == [MembershipDeleted(BOBS, ACME, BOB, time())]


async def test_only_an_owner_removes_owners(service: UserProcess, cid: Metadata) -> None:
    refused = await refusal(delete(service, cid, ADAS))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "OWNER_REQUIRED")


async def test_the_last_owner_stays(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    refused = await refusal(delete(service, ada, ADAS))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "LAST_OWNER",
        {"membership": ADAS},
    )
    assert ADAS in store.tables.memberships


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(delete(service, bob, BOBS))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "memberships.delete"})


async def test_another_organization_is_denied_whether_or_not_it_exists(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    foreign = await refusal(delete(service, ada, f"{HIDDEN}/memberships/usr_eve"))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(delete(service, ada, f"{NOTHING}/memberships/usr_eve"))
    assert f"{HIDDEN}/memberships/usr_eve" in store.tables.memberships


async def test_somebody_who_is_no_member_is_not_found(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(delete(service, ada, f"{ACME}/memberships/usr_eve"))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "MEMBERSHIP_NOT_FOUND")


async def test_the_same_request_is_answered_again(service: UserProcess, ada: Metadata) -> None:
    first = await delete(service, ada, BOBS, request_id=REQUEST_ID)

    assert await delete(service, ada, BOBS, request_id=REQUEST_ID) == first


async def test_an_older_version_is_not_ended(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(delete(service, ada, BOBS, etag='"9"'))).reason == "ETAG_MISMATCH"


async def test_a_deleted_organization_does_not_change(service: UserProcess, ada: Metadata) -> None:
    await service.organizations.DeleteOrganization(rpc.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(delete(service, ada, BOBS))).reason == "ORGANIZATION_DELETED"


async def test_a_purged_organization_is_not_found(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    del store.tables.organizations[ACME]

    assert (await refusal(delete(service, ada, BOBS))).reason == "ORGANIZATION_NOT_FOUND"


async def test_validate_only_ends_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    assert (await delete(service, ada, BOBS, validate_only=True)).name == BOBS

    assert BOBS in store.tables.memberships


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(delete(service, (), BOBS))).code is StatusCode.UNAUTHENTICATED
