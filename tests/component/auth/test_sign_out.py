"""AuthService.SignOut."""

from __future__ import annotations

from grpc import StatusCode

from services.auth.domain import Account, Cause, SessionRevoked
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import AuthProcess, bearer
from trellis.auth.v1 import service_pb2 as rpc


async def sign_out(service: AuthProcess, token: str, *, validate_only: bool = False) -> rpc.SignOutResponse:
    return await service.auth.SignOut(rpc.SignOutRequest(validate_only=validate_only), metadata=bearer(token))


async def test_ends_the_session(service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time) -> None:
    tokens, other = await service.sign_in(), await service.sign_in()

    assert await sign_out(service, tokens.access_token) == rpc.SignOutResponse()

    assert store.events[-1] == SessionRevoked(tokens.session, time(), Cause.SIGNED_OUT)
    request = rpc.RefreshTokenRequest(refresh_token=tokens.refresh_token)
    refused = await refusal(service.auth.RefreshToken(request))
    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID")
    assert store.tables.sessions[other.session].revoke_time is None


async def test_ending_an_ended_session_changes_nothing(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    tokens = await service.sign_in()
    await sign_out(service, tokens.access_token)
    before = list(store.events)

    assert await sign_out(service, tokens.access_token) == rpc.SignOutResponse()

    assert store.events == before


async def test_validate_only_ends_nothing(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    tokens = await service.sign_in()

    await sign_out(service, tokens.access_token, validate_only=True)

    assert store.tables.sessions[tokens.session].revoke_time is None


async def test_refuses_strangers(service: AuthProcess) -> None:
    refused = await refusal(sign_out(service, "garbage"))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
