"""SessionService.RevokeAllSessions."""

from __future__ import annotations

from grpc import StatusCode

from services.auth.domain import Account, Cause, SessionsRevoked
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import AuthProcess, bearer
from trellis.auth.v1 import service_pb2 as rpc

NEW = "another long password"
REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def revoke_all(
    service: AuthProcess, token: str, parent: str = "users/me", *, keep_current: bool = False
) -> rpc.RevokeAllSessionsResponse:
    request = rpc.RevokeAllSessionsRequest(parent=parent, keep_current=keep_current)
    return await service.sessions.RevokeAllSessions(request, metadata=bearer(token))


async def test_signs_out_everywhere(service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time) -> None:
    here, elsewhere = await service.sign_in(), await service.sign_in()

    answer = await revoke_all(service, here.access_token)

    assert answer.revoked_count == 2
    assert store.tables.causes == dict.fromkeys((here.session, elsewhere.session), Cause.REVOKED)
    assert store.events[-1] == SessionsRevoked(ada.user, "", time())


async def test_signs_out_everywhere_else(service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time) -> None:
    here, elsewhere = await service.sign_in(), await service.sign_in()

    answer = await revoke_all(service, here.access_token, ada.user, keep_current=True)

    assert answer.revoked_count == 1
    assert store.tables.causes == {elsewhere.session: Cause.REVOKED}
    assert store.events[-1] == SessionsRevoked(ada.user, here.session, time())


async def test_nobody_else_is_signed_out(service: AuthProcess, store: FakeAuthStore, ada: Account, bob: Account) -> None:
    here = await service.sign_in()
    await service.sign_in("bob@example.com")

    refused = await refusal(revoke_all(service, here.access_token, bob.user))
    await revoke_all(service, here.access_token)

    assert refused.code is StatusCode.PERMISSION_DENIED
    assert list(store.tables.causes) == [here.session]
