"""The same journey by generated stubs, async and sync, through the edge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
import pytest_asyncio
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.e2e.client import PASSWORD, Person, new_email, verification_of
from tests.e2e.platform import Platform
from trellis.auth.v1.service_pb2 import ListSessionsRequest, SignInRequest, SwitchOrganizationRequest, VerifyEmailRequest
from trellis.auth.v1.service_pb2_grpc import AuthServiceStub, SessionServiceStub
from trellis.user.v1.resources_pb2 import ROLE_OWNER, Organization, User
from trellis.user.v1.service_pb2 import (
    CreateOrganizationRequest,
    GetUserRequest,
    ListMembershipsRequest,
    UpdateUserRequest,
)
from trellis.user.v1.service_pb2_grpc import MembershipServiceStub, OrganizationServiceStub, UserServiceStub

ME = "users/me"


@pytest_asyncio.fixture
async def channel(platform: Platform) -> AsyncIterator[grpc.aio.Channel]:
    """An async channel to the edge."""
    async with grpc.aio.insecure_channel(platform.target) as opened:
        yield opened


@pytest.fixture
def sync_channel(platform: Platform) -> Iterator[grpc.Channel]:
    """A sync channel to the edge."""
    with grpc.insecure_channel(platform.target) as opened:
        yield opened


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call with this token."""
    return (("authorization", f"Bearer {token}"),)


async def test_a_newcomer_founds_an_organization_with_async_stubs(channel: grpc.aio.Channel, platform: Platform) -> None:
    email = new_email()
    link = verification_of(platform.rest, platform.mail, "Async", email)
    auth = AuthServiceStub(channel)
    account = await auth.VerifyEmail(VerifyEmailRequest(token=link, password=PASSWORD))
    tokens = await auth.SignIn(SignInRequest(email=email, password=PASSWORD))
    assert tokens.user == account.user
    signed = bearer(tokens.access_token)
    made = await OrganizationServiceStub(channel).CreateOrganization(
        CreateOrganizationRequest(organization=Organization(display_name="Async Ltd.")), metadata=signed
    )
    switched = await auth.SwitchOrganization(SwitchOrganizationRequest(organization=made.name), metadata=signed)
    members = await MembershipServiceStub(channel).ListMemberships(
        ListMembershipsRequest(parent=made.name), metadata=bearer(switched.access_token)
    )
    assert [(m.user, m.role) for m in members.memberships] == [(account.user, ROLE_OWNER)]


def test_sync_stubs_read_and_write(sync_channel: grpc.Channel, ada: Person) -> None:
    users = UserServiceStub(sync_channel)
    update = UpdateUserRequest(user=User(name=ME, time_zone="Europe/London"), update_mask=FieldMask(paths=["time_zone"]))
    assert users.UpdateUser(update, metadata=ada.metadata).time_zone == "Europe/London"
    assert users.GetUser(GetUserRequest(name=ME), metadata=ada.metadata).name == ada.name
    sessions = SessionServiceStub(sync_channel).ListSessions(ListSessionsRequest(parent=ME), metadata=ada.metadata)
    assert ada.tokens["session"] in [session.name for session in sessions.sessions]


def test_a_refusal_carries_its_reason(sync_channel: grpc.Channel, ada: Person) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        UserServiceStub(sync_channel).GetUser(GetUserRequest(name="users/usr_nobody"), metadata=ada.metadata)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert reason_of(caught.value) == "USER_NOT_VISIBLE"


def test_every_wrong_field_is_named(sync_channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        AuthServiceStub(sync_channel).SignIn(SignInRequest(email="not an address", password=""))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert fields_of(caught.value) == {"email", "password"}


async def test_no_token_is_unauthenticated(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await UserServiceStub(channel).GetUser(GetUserRequest(name=ME))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def reason_of(error: grpc.RpcError) -> str:
    """Return the reason of the ErrorInfo."""
    info = error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(error).details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def fields_of(error: grpc.RpcError) -> set[str]:
    """Return the fields of the BadRequest."""
    bad = error_details_pb2.BadRequest()
    for detail in rpc_status.from_call(error).details:
        if detail.Unpack(bad):
            return {violation.field for violation in bad.field_violations}
    return set()
