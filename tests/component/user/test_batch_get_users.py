"""UserService.BatchGetUsers."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ADA, BOB, CID, EVE, NOBODY
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import service_pb2 as rpc


async def batch_get(service: UserProcess, names: list[str], caller: Metadata) -> list[str]:
    answer = await service.users.BatchGetUsers(rpc.BatchGetUsersRequest(names=names), metadata=caller)
    return [user.name for user in answer.users]


async def test_keeps_the_order_asked_for(service: UserProcess, bob: Metadata) -> None:
    assert await batch_get(service, [CID, "users/me", ADA], bob) == [CID, BOB, ADA]


@pytest.mark.parametrize("hidden", [EVE, NOBODY])
async def test_fails_as_a_whole_if_one_may_not_be_seen(service: UserProcess, ada: Metadata, hidden: str) -> None:
    refused = await refusal(batch_get(service, [ADA, hidden, BOB], ada))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "USER_NOT_VISIBLE",
        {"user": hidden},
    )


async def test_without_an_organization_only_oneself_is_seen(service: UserProcess) -> None:
    caller = service.called_by(ADA)

    assert await batch_get(service, [ADA], caller) == [ADA]
    assert (await refusal(batch_get(service, [BOB], caller))).reason == "USER_NOT_VISIBLE"


@pytest.mark.parametrize("names", [[], [ADA, ADA], [f"users/usr_{i}" for i in range(101)]])
async def test_refuses_none_repeated_and_too_many(service: UserProcess, ada: Metadata, names: list[str]) -> None:
    refused = await refusal(batch_get(service, names, ada))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", ["names"])


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(batch_get(service, [ADA], ()))).code is StatusCode.UNAUTHENTICATED
