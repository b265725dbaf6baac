"""UserService.ReactivateUser."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from services.chassis.principal import Principal
from services.user.domain import UserReactivated, UserState
from tests.component.refusals import refusal
from tests.component.user.conftest import BOB, CID, NOBODY
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import LINK_LIFETIME, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc


@pytest.fixture
async def token(service: UserProcess) -> str:
    """The token of the mail that Bob was sent."""
    await service.parts.lifecycle.deactivate_user("users/me", "", Principal(BOB))
    return await service.parts.restore_token(BOB)


async def reactivate(service: UserProcess, token: str, name: str = BOB, **values: Any) -> pb.User:
    return await service.users.ReactivateUser(rpc.ReactivateUserRequest(name=name, token=token, **values))


async def test_the_link_brings_the_account_back_without_a_token_of_anybody(
    service: UserProcess, store: FakeUserStore, token: str, time: Time
) -> None:
    user = await reactivate(service, token)

    assert (user.state, user.HasField("deactivate_time"), user.HasField("delete_time"), user.HasField("purge_time")) == (
        pb.User.STATE_ACTIVE,
        False,
        False,
        False,
    )
    assert store.events[1:] == [UserReactivated(BOB, time())]


async def test_a_link_works_once(service: UserProcess, token: str) -> None:
    await reactivate(service, token)
    await service.parts.lifecycle.deactivate_user("users/me", "", Principal(BOB))

    refused = await refusal(reactivate(service, token))

    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "RESTORE_LINK_INVALID")


async def test_a_link_expires(service: UserProcess, token: str, time: Time) -> None:
    time.move(seconds=LINK_LIFETIME.total_seconds())

    assert (await refusal(reactivate(service, token))).reason == "RESTORE_LINK_INVALID"


@pytest.mark.parametrize("forged", ["x", "rst_", "rst_1.", "rst_99999999999.AAAA", "rst_\u0661.AAAA", "rst_-1.AAAA"])
async def test_a_forged_link_is_refused(service: UserProcess, token: str, forged: str) -> None:
    assert (await refusal(reactivate(service, forged))).reason == "RESTORE_LINK_INVALID"


async def test_a_link_is_of_one_account_and_the_answer_does_not_tell_which_exist(service: UserProcess, token: str) -> None:
    foreign = await refusal(reactivate(service, token, CID))

    assert foreign.reason == "RESTORE_LINK_INVALID"
    assert foreign == await refusal(reactivate(service, token, NOBODY))


async def test_a_later_expiry_cannot_be_written_into_a_link(service: UserProcess, token: str) -> None:
    expiry, _, mac = token.removeprefix("rst_").partition(".")

    assert (await refusal(reactivate(service, f"rst_{int(expiry) + 1}.{mac}"))).reason == "RESTORE_LINK_INVALID"


async def test_another_state_has_another_way_back(service: UserProcess) -> None:
    await service.parts.lifecycle.delete_user("users/me", "", Principal(BOB))

    refused = await refusal(reactivate(service, await service.parts.restore_token(BOB)))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "USER_NOT_DEACTIVATED",
        {"user": BOB},
    )


async def test_a_repeated_request_is_answered_as_the_first_time(
    service: UserProcess, store: FakeUserStore, token: str
) -> None:
    request_id = "5c9c1e44-8a25-4d8a-9a5a-3f9a9b1a7c13"

    first = await reactivate(service, token, request_id=request_id)

    assert await reactivate(service, token, request_id=request_id) == first
    assert len(store.events) == 2


async def test_validate_only_uses_no_link_up(service: UserProcess, store: FakeUserStore, token: str) -> None:
    await reactivate(service, token, validate_only=True)

    assert store.tables.users[BOB].state is UserState.DEACTIVATED
    assert (await reactivate(service, token)).state == pb.User.STATE_ACTIVE
