"""proto ↔ domain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from services.auth import convert
from services.auth.domain import Account, Nothing, Session, TokenSet
from services.chassis import principal
from services.chassis.times import timestamp
from tests.conftest import NOON
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc

USER, SESSION = "users/usr_1", "users/usr_1/sessions/ses_1"
LATER = NOON + timedelta(days=1)
ENDED = Session(SESSION, USER, "organizations/org_1", "Browser/1", NOON, NOON, LATER, 7, NOON, LATER)
ALIVE = Session(SESSION, USER, "", "", NOON, NOON, LATER)
CASES: list[tuple[Any, Message]] = [
    (
        Account(USER, "ada@example.com", "Ada", "hash", NOON, "organizations/org_1"),
        pb.Account(user=USER, email="ada@example.com", display_name="Ada", create_time=timestamp(NOON)),
    ),
    (
        ENDED,
        pb.Session(
            name=SESSION,
            organization="organizations/org_1",
            user_agent="Browser/1",
            create_time=timestamp(NOON),
            last_refresh_time=timestamp(NOON),
            expire_time=timestamp(LATER),
            revoke_time=timestamp(LATER),
        ),
    ),
    (
        TokenSet("access", LATER, "refresh", SESSION, USER, "organizations/org_1", ("a", "b")),
        pb.TokenSet(
            access_token="access",
            token_type="Bearer",
            expire_time=timestamp(LATER),
            refresh_token="refresh",
            session=SESSION,
            user=USER,
            organization="organizations/org_1",
            permissions=["a", "b"],
        ),
    ),
    (Nothing("SignUp"), rpc.SignUpResponse()),
    (Nothing("ResendVerification"), rpc.ResendVerificationResponse()),
    (Nothing("SignOut"), rpc.SignOutResponse()),
]


@pytest.mark.parametrize(("answer", "message"), CASES)
def test_answers(answer: Any, message: Message) -> None:
    converted = convert.answer_to_proto(answer)

    assert type(converted) is type(message)
    assert converted == message


def test_a_session_that_lives_has_no_end() -> None:
    assert not convert.session_to_proto(ALIVE).HasField("revoke_time")


@pytest.mark.parametrize(("asking", "current"), [(SESSION, True), ("users/usr_1/sessions/ses_2", False), ("", False)])
def test_the_session_that_asks_is_the_current_one(asking: str, current: bool) -> None:
    principal.enter(principal.Principal(USER, session=asking))

    assert convert.session_to_proto(ALIVE).current is current
