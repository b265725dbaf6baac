"""MembershipService.ResolveMembership, for the auth service only."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, BOB, EVE, NOTHING
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc


@pytest.fixture
def auth(service: UserProcess) -> Metadata:
    """A call by the auth service."""
    return service.called_by_service("auth")


async def resolve(service: UserProcess, caller: Metadata, user: str = BOB, organization: str = ACME) -> pb.Membership:
    request = rpc.ResolveMembershipRequest(organization=organization, user=user)
    return await service.memberships.ResolveMembership(request, metadata=caller)


async def test_auth_learns_what_a_token_may_say(service: UserProcess, auth: Metadata) -> None:
    assert (await resolve(service, auth)).role == pb.ROLE_MEMBER


@pytest.mark.parametrize(("user", "organization"), [(EVE, ACME), (BOB, NOTHING)])
async def test_nobody_gets_a_token_for_what_they_do_not_belong_to(
    service: UserProcess, auth: Metadata, user: str, organization: str
) -> None:
    refused = await refusal(resolve(service, auth, user, organization))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "MEMBERSHIP_NOT_FOUND")


async def test_a_deleted_organization_is_open_to_its_owners_only(
    service: UserProcess, auth: Metadata, ada: Metadata
) -> None:
    await service.organizations.DeleteOrganization(rpc.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await resolve(service, auth, ADA)).role == pb.ROLE_OWNER
    assert (await refusal(resolve(service, auth, BOB))).reason == "MEMBERSHIP_NOT_FOUND"


async def test_another_service_is_denied(service: UserProcess) -> None:
    refused = await refusal(resolve(service, service.called_by_service("user")))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def test_a_person_is_no_service(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(resolve(service, ada))).code is StatusCode.UNAUTHENTICATED


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(resolve(service, ()))).code is StatusCode.UNAUTHENTICATED
