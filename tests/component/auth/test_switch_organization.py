"""AuthService.SwitchOrganization."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from services.auth.domain import Account
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import AuthProcess, bearer
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc

ORG, OTHER = "organizations/org_1", "organizations/org_2"


async def switch(service: AuthProcess, token: str, organization: str = ORG, *, validate_only: bool = False) -> pb.TokenSet:
    request = rpc.SwitchOrganizationRequest(organization=organization, validate_only=validate_only)
    return await service.auth.SwitchOrganization(request, metadata=bearer(token))


async def test_names_the_organization_from_now_on(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    tokens = await service.sign_in()
    service.parts.memberships.known[ORG, ada.user] = ("memberships.create",)

    switched = await switch(service, tokens.access_token)

    assert (switched.organization, list(switched.permissions)) == (ORG, ["memberships.create"])
    assert (switched.session, switched.refresh_token) == (tokens.session, "")
    request = rpc.RefreshTokenRequest(refresh_token=tokens.refresh_token)
    assert (await service.auth.RefreshToken(request)).organization == ORG
    assert (await service.sign_in()).organization == ORG


async def test_refuses_a_foreign_organization_whether_or_not_it_exists(
    service: AuthProcess, store: FakeAuthStore, ada: Account
) -> None:
    tokens = await service.sign_in()
    service.parts.memberships.known[OTHER, "users/usr_bob"] = ()

    foreign = await refusal(switch(service, tokens.access_token, OTHER))
    unknown = await refusal(switch(service, tokens.access_token, "organizations/org_nobody"))

    assert (foreign.code, foreign.reason, foreign.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "NOT_A_MEMBER",
        {"organization": OTHER},
    )
    assert (unknown.code, unknown.reason) == (foreign.code, foreign.reason)
    assert store.tables.sessions[tokens.session].organization == ""


async def test_a_session_that_ended_goes_nowhere(service: AuthProcess, ada: Account) -> None:
    tokens = await service.sign_in()
    service.parts.memberships.known[ORG, ada.user] = ()
    await service.auth.SignOut(rpc.SignOutRequest(), metadata=bearer(tokens.access_token))
    asked = len(service.parts.memberships.asked)

    refused = await refusal(switch(service, tokens.access_token))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "SESSION_ENDED")
    assert len(service.parts.memberships.asked) == asked


async def test_says_when_memberships_cannot_be_read(service: AuthProcess, ada: Account) -> None:
    tokens = await service.sign_in()
    service.parts.memberships.down = True

    refused = await refusal(switch(service, tokens.access_token))

    assert (refused.code, refused.reason) == (StatusCode.UNAVAILABLE, "MEMBERSHIP_UNAVAILABLE")


@pytest.mark.parametrize("token", ["", "garbage"])
async def test_refuses_strangers(service: AuthProcess, token: str) -> None:
    refused = await refusal(switch(service, token))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


async def test_refuses_an_expired_token(service: AuthProcess, ada: Account, time: Time) -> None:
    tokens = await service.sign_in()
    time.move(minutes=5, seconds=31)

    assert (await refusal(switch(service, tokens.access_token))).reason == "TOKEN_INVALID"


async def test_validate_only_stays_where_it_is(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    tokens = await service.sign_in()
    service.parts.memberships.known[ORG, ada.user] = ()

    rehearsed = await switch(service, tokens.access_token, validate_only=True)

    assert (rehearsed.organization, rehearsed.access_token) == (ORG, "")
    assert store.tables.sessions[tokens.session].organization == ""
