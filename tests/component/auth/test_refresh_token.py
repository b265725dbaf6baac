"""AuthService.RefreshToken."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from services.auth.domain import Account, Cause, SessionRevoked
from tests.component.refusals import Refusal, refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import GRACE, AuthProcess, bearer
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc

ORG = "organizations/org_1"


async def refresh(service: AuthProcess, token: str, *, validate_only: bool = False) -> pb.TokenSet:
    return await service.auth.RefreshToken(rpc.RefreshTokenRequest(refresh_token=token, validate_only=validate_only))


def assert_invalid(refused: Refusal) -> None:
    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID")


async def test_gives_the_next_tokens(service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time) -> None:
    first = await service.sign_in()
    time.move(minutes=4)

    second = await refresh(service, first.refresh_token)
    third = await refresh(service, second.refresh_token)

    assert (second.session, second.user) == (first.session, ada.user)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert second.access_token != first.access_token
    assert store.tables.sessions[first.session].last_refresh_time == time()


async def test_sent_again_in_the_grace_window_it_gives_the_same_successor(
    service: AuthProcess, ada: Account, time: Time
) -> None:
    first = await service.sign_in()
    second = await refresh(service, first.refresh_token)
    time.move(seconds=GRACE.total_seconds())

    again = await refresh(service, first.refresh_token)

    assert again.refresh_token == second.refresh_token
    assert (await refresh(service, second.refresh_token)).session == first.session


async def test_sent_after_the_window_it_ends_the_session(
    service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    first = await service.sign_in()
    second = await refresh(service, first.refresh_token)
    time.move(seconds=GRACE.total_seconds() + 1)

    refused = await refusal(refresh(service, first.refresh_token))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "REFRESH_TOKEN_REUSED")
    assert store.events[-1] == SessionRevoked(first.session, time(), Cause.REUSED)
    assert_invalid(await refusal(refresh(service, second.refresh_token)))


async def test_two_generations_old_is_too_old_at_any_time(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    first = await service.sign_in()
    second = await refresh(service, first.refresh_token)
    await refresh(service, second.refresh_token)

    refused = await refusal(refresh(service, first.refresh_token))

    assert refused.reason == "REFRESH_TOKEN_REUSED"
    assert store.tables.sessions[first.session].revoke_time is not None


async def test_other_sessions_of_the_user_live_on(service: AuthProcess, ada: Account, time: Time) -> None:
    stolen, other = await service.sign_in(), await service.sign_in()
    await refresh(service, stolen.refresh_token)
    time.move(minutes=1)
    await refusal(refresh(service, stolen.refresh_token))

    assert (await refresh(service, other.refresh_token)).session == other.session


async def test_says_the_permissions_of_now(service: AuthProcess, ada: Account) -> None:
    service.parts.memberships.known[ORG, ada.user] = ("organizations.get",)
    first = await service.sign_in(organization=ORG)
    service.parts.memberships.known[ORG, ada.user] = ("organizations.get", "organizations.update")

    second = await refresh(service, first.refresh_token)

    assert list(second.permissions) == ["organizations.get", "organizations.update"]


async def test_somebody_removed_gets_no_token_of_the_organization_and_goes_on_without(
    service: AuthProcess, store: FakeAuthStore, ada: Account
) -> None:
    service.parts.memberships.known[ORG, ada.user] = ()
    first = await service.sign_in(organization=ORG)
    del service.parts.memberships.known[ORG, ada.user]

    refused = await refusal(refresh(service, first.refresh_token))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "NOT_A_MEMBER",
        {"organization": ORG},
    )
    second = await refresh(service, first.refresh_token)
    assert (second.organization, list(second.permissions)) == ("", [])


async def test_while_memberships_cannot_be_read_nothing_is_used_up(
    service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    service.parts.memberships.known[ORG, ada.user] = ()
    first = await service.sign_in(organization=ORG)
    service.parts.memberships.down = True

    refused = await refusal(refresh(service, first.refresh_token))

    assert (refused.code, refused.reason) == (StatusCode.UNAVAILABLE, "MEMBERSHIP_UNAVAILABLE")
    service.parts.memberships.down = False
    time.move(minutes=2)
    assert (await refresh(service, first.refresh_token)).organization == ORG


@pytest.mark.parametrize(
    "forge",
    [
        "garbage",
        "trr_",
        "trr_a.1.b",
        "{path}.2.{mac}",
        "{path}.01.{mac}",
        "{path}.-1.{mac}",
        "trr_x-y.1.{mac}",
        "{path}.1.{mac}=",
    ],
)
async def test_refuses_forged_tokens(service: AuthProcess, store: FakeAuthStore, ada: Account, forge: str) -> None:
    path, _, mac = (await service.sign_in()).refresh_token.split(".")

    assert_invalid(await refusal(refresh(service, forge.format(path=path, mac=mac))))
    [session] = store.tables.sessions.values()
    assert session.revoke_time is None, "a forgery signs nobody out"


async def test_an_access_token_is_no_refresh_token(service: AuthProcess, ada: Account) -> None:
    tokens = await service.sign_in()

    assert (await refusal(refresh(service, tokens.access_token))).code is StatusCode.INVALID_ARGUMENT  # it is too long
    assert_invalid(await refusal(refresh(service, tokens.access_token[:256])))


async def test_a_session_ends_after_30_days_however_often_it_is_refreshed(
    service: AuthProcess, ada: Account, time: Time
) -> None:
    tokens = await service.sign_in()
    time.move(days=29)
    tokens = await refresh(service, tokens.refresh_token)
    time.move(days=1)

    assert_invalid(await refusal(refresh(service, tokens.refresh_token)))


async def test_validate_only_uses_nothing_up_and_opens_nothing(
    service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    first = await service.sign_in()

    rehearsed = await refresh(service, first.refresh_token, validate_only=True)

    assert (rehearsed.session, rehearsed.access_token, rehearsed.refresh_token) == (first.session, "", "")
    time.move(minutes=2)
    second = await refresh(service, first.refresh_token)
    time.move(minutes=2)
    assert (await refusal(refresh(service, first.refresh_token, validate_only=True))).reason == "REFRESH_TOKEN_REUSED"
    assert (await refresh(service, second.refresh_token)).session == first.session, "the rehearsal ended the session"


async def test_looks_at_no_access_token(service: AuthProcess, ada: Account) -> None:
    tokens = await service.sign_in()
    request = rpc.RefreshTokenRequest(refresh_token=tokens.refresh_token)

    assert (await service.auth.RefreshToken(request, metadata=bearer("expired"))).session == tokens.session
