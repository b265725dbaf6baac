"""SessionService.GetSession."""

from __future__ import annotations

from datetime import timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from services.auth.domain import Account
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import AuthProcess, bearer
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc


async def get(service: AuthProcess, token: str, name: str) -> pb.Session:
    return await service.sessions.GetSession(rpc.GetSessionRequest(name=name), metadata=bearer(token))


async def test_shows_ones_own(service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time) -> None:
    tokens, other = await service.sign_in(), await service.sign_in()

    session = await get(service, tokens.access_token, tokens.session)

    signed_in, ends = Timestamp(), Timestamp()
    signed_in.FromDatetime(time())
    ends.FromDatetime(time() + timedelta(days=30))
    assert session == pb.Session(
        name=tokens.session,
        user_agent=store.tables.sessions[tokens.session].user_agent,
        create_time=signed_in,
        last_refresh_time=signed_in,
        expire_time=ends,
        current=True,
    )
    assert not (await get(service, tokens.access_token, other.session)).current


async def test_me_stands_for_the_caller(service: AuthProcess, ada: Account) -> None:
    tokens = await service.sign_in()
    alias = tokens.session.replace(ada.user, "users/me")

    assert (await get(service, tokens.access_token, alias)).name == tokens.session


async def test_anybody_elses_is_denied_whether_or_not_it_exists(service: AuthProcess, ada: Account, bob: Account) -> None:
    tokens, his = await service.sign_in(), await service.sign_in(bob.email)

    foreign = await refusal(get(service, tokens.access_token, his.session))
    unknown = await refusal(get(service, tokens.access_token, f"{bob.user}/sessions/ses_x"))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == unknown


async def test_says_which_session_is_not_there(service: AuthProcess, ada: Account) -> None:
    tokens = await service.sign_in()

    refused = await refusal(get(service, tokens.access_token, "users/me/sessions/ses_x"))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "SESSION_NOT_FOUND",
        {"session": f"{ada.user}/sessions/ses_x"},
    )


@pytest.mark.parametrize("name", ["", "ses_1", "users/me", "users/me/sessions/", "users/ME/sessions/ses_1"])
async def test_names_a_malformed_name(service: AuthProcess, ada: Account, name: str) -> None:
    tokens = await service.sign_in()

    refused = await refusal(get(service, tokens.access_token, name))

    assert (refused.code, set(refused.fields)) == (StatusCode.INVALID_ARGUMENT, {"name"})


async def test_refuses_strangers(service: AuthProcess) -> None:
    refused = await refusal(get(service, "garbage", "users/me/sessions/ses_x"))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
