"""MembershipService.UpdateMembership."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

from services.user.domain import MembershipUpdated, Role
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, BOB, HIDDEN, NOTHING
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc

ADAS, BOBS, CIDS = (f"{ACME}/memberships/usr_{short}" for short in ("ada", "bob", "cid"))


async def update(
    service: UserProcess,
    caller: Metadata,
    name: str,
    role: pb.Role.ValueType,
    *mask: str,
    etag: str = "",
    **values: Any,
) -> pb.Membership:
    membership = pb.Membership(name=name, role=role, etag=etag)
    request = rpc.UpdateMembershipRequest(membership=membership, update_mask=FieldMask(paths=mask), **values)
    return await service.memberships.UpdateMembership(request, metadata=caller)


@pytest.mark.parametrize("who", ["ada", "cid"])
async def test_an_owner_or_administrator_changes_a_role(
    service: UserProcess, store: FakeUserStore, request: pytest.FixtureRequest, time: Time, who: str
) -> None:
    changed = await update(service, request.getfixturevalue(who), BOBS, pb.ROLE_ADMIN)

    assert (changed.user, changed.role, changed.etag) == (BOB, pb.ROLE_ADMIN, '"2"')
    assert store.events == [MembershipUpdated(BOBS, ACME, BOB, Role.ADMIN, time())]


async def test_only_an_owner_makes_or_changes_owners(service: UserProcess, ada: Metadata, cid: Metadata) -> None:
    for name, role in ((BOBS, pb.ROLE_OWNER), (ADAS, pb.ROLE_MEMBER)):
        refused = await refusal(update(service, cid, name, role))
        assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "OWNER_REQUIRED")

    assert (await update(service, ada, BOBS, pb.ROLE_OWNER)).role == pb.ROLE_OWNER


async def test_the_last_owner_stays_one(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    refused = await refusal(update(service, ada, ADAS, pb.ROLE_ADMIN))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "LAST_OWNER",
        {"membership": ADAS},
    )
    assert store.tables.memberships[ADAS].role is Role.OWNER


async def test_one_of_two_owners_may_step_back(service: UserProcess, ada: Metadata) -> None:
    await update(service, ada, BOBS, pb.ROLE_OWNER)

    assert (await update(service, ada, ADAS, pb.ROLE_MEMBER)).role == pb.ROLE_MEMBER


async def test_an_owner_made_owner_again_stays_the_only_one(service: UserProcess, ada: Metadata) -> None:
    assert (await update(service, ada, ADAS, pb.ROLE_OWNER)).role == pb.ROLE_OWNER


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(update(service, bob, BOBS, pb.ROLE_OWNER))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "memberships.update"})


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(update(service, ada, f"{HIDDEN}/memberships/usr_eve", pb.ROLE_MEMBER))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(update(service, ada, f"{NOTHING}/memberships/usr_eve", pb.ROLE_MEMBER))


async def test_somebody_who_is_no_member_is_not_found(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(update(service, ada, f"{ACME}/memberships/usr_eve", pb.ROLE_MEMBER))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "MEMBERSHIP_NOT_FOUND")


async def test_a_change_of_an_older_version_is_refused(service: UserProcess, ada: Metadata) -> None:
    await update(service, ada, BOBS, pb.ROLE_ADMIN, etag='"1"')

    refused = await refusal(update(service, ada, BOBS, pb.ROLE_MEMBER, etag='"1"'))

    assert (refused.code, refused.reason) == (StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_a_deleted_organization_does_not_change(service: UserProcess, ada: Metadata) -> None:
    await service.organizations.DeleteOrganization(rpc.DeleteOrganizationRequest(name=ACME), metadata=ada)

    refused = await refusal(update(service, ada, BOBS, pb.ROLE_ADMIN))

    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "ORGANIZATION_DELETED")


async def test_a_purged_organization_is_not_found(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    del store.tables.organizations[ACME]

    assert (await refusal(update(service, ada, BOBS, pb.ROLE_ADMIN))).reason == "ORGANIZATION_NOT_FOUND"


async def test_validate_only_changes_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    assert (await update(service, ada, BOBS, pb.ROLE_ADMIN, validate_only=True)).role == pb.ROLE_ADMIN

    assert store.tables.memberships[BOBS].role is Role.MEMBER


@pytest.mark.parametrize(
    ("role", "mask", "field"),
    [
        (pb.ROLE_ADMIN, ["user"], "update_mask"),
        (pb.ROLE_UNSPECIFIED, [], "update_mask"),
        (pb.ROLE_UNSPECIFIED, ["role"], "membership.role"),
    ],
)
async def test_refuses_what_cannot_be(
    service: UserProcess, ada: Metadata, role: pb.Role.ValueType, mask: list[str], field: str
) -> None:
    refused = await refusal(update(service, ada, BOBS, role, *mask))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", [field])


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(update(service, (), CIDS, pb.ROLE_MEMBER))).code is StatusCode.UNAUTHENTICATED


async def test_an_api_key_gives_no_role_that_permits_more_than_its_scopes(
    service: UserProcess, store: FakeUserStore
) -> None:
    refused = await refusal(update(service, service.called_by_key("memberships.update"), BOBS, pb.ROLE_ADMIN))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert store.tables.memberships[BOBS].role is Role.MEMBER
