"""SessionService.RevokeSession."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from services.auth.domain import Account, Cause, SessionRevoked
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import AuthProcess, bearer
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc


async def revoke(service: AuthProcess, token: str, name: str, *, validate_only: bool = False) -> pb.Session:
    return await service.sessions.RevokeSession(
        rpc.RevokeSessionRequest(name=name, validate_only=validate_only), metadata=bearer(token)
    )


async def test_ends_another_session_of_ones_own(
    service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    here, lost = await service.sign_in(), await service.sign_in()
    time.move(minutes=1)

    revoked = await revoke(service, here.access_token, lost.session)

    now = Timestamp()
    now.FromDatetime(time())
    assert (revoked.name, revoked.revoke_time, revoked.current) == (lost.session, now, False)
    assert store.events[-1] == SessionRevoked(lost.session, time(), Cause.REVOKED)
    request = rpc.RefreshTokenRequest(refresh_token=lost.refresh_token)
    assert (await refusal(service.auth.RefreshToken(request))).reason == "REFRESH_TOKEN_INVALID"


async def test_ending_an_ended_session_changes_nothing(
    service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    here, lost = await service.sign_in(), await service.sign_in()
    first = await revoke(service, here.access_token, lost.session)
    before = list(store.events)
    time.move(minutes=1)

    assert await revoke(service, here.access_token, lost.session.replace(ada.user, "users/me")) == first

    assert store.events == before


async def test_anybody_elses_is_denied_whether_or_not_it_exists(
    service: AuthProcess, store: FakeAuthStore, ada: Account, bob: Account
) -> None:
    tokens, his = await service.sign_in(), await service.sign_in(bob.email)

    foreign = await refusal(revoke(service, tokens.access_token, his.session))
    unknown = await refusal(revoke(service, tokens.access_token, f"{bob.user}/sessions/ses_x"))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == unknown
    assert store.tables.sessions[his.session].revoke_time is None


async def test_says_which_session_is_not_there(service: AuthProcess, ada: Account) -> None:
    tokens = await service.sign_in()

    refused = await refusal(revoke(service, tokens.access_token, "users/me/sessions/ses_x"))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")


async def test_validate_only_ends_nothing(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    tokens = await service.sign_in()

    answer = await revoke(service, tokens.access_token, tokens.session, validate_only=True)

    assert answer.HasField("revoke_time")
    assert store.tables.sessions[tokens.session].revoke_time is None


async def test_refuses_strangers(service: AuthProcess) -> None:
    refused = await refusal(revoke(service, "garbage", "users/me/sessions/ses_x"))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
