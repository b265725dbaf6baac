"""What user makes of auth's silence."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from services.chassis.rpc.client import Authorized
from services.user.clients import AuthAccounts
from trellis.policies import POLICIES

GET_ACCOUNT = "/trellis.auth.v1.AccountService/GetAccount"


async def test_an_auth_that_is_away_is_no_bug_of_user() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as nobody:
        with pytest.raises(ConnectionError, match="auth does not answer"):
            await AuthAccounts(nobody).get("users/usr_1")


@pytest.mark.parametrize(("asked_s", "given_s"), [(None, POLICIES[GET_ACCOUNT].timeout_s), (1.5, 1.5)])
async def test_every_call_carries_a_deadline_of_its_own(asked_s: float | None, given_s: float) -> None:
    """None comes from the service config: its clock is wrong at times (grpc/grpc#40633)."""
    details = grpc.aio.ClientCallDetails(GET_ACCOUNT, asked_s, None, None, None)

    sent = await Authorized(lambda: "token").intercept_unary_unary(_same, details, None)

    assert sent.timeout == given_s


async def _same(details: Any, _: Any) -> Any:
    return details
