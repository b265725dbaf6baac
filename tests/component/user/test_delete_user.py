"""UserService.DeleteUser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from grpc import StatusCode

from services.chassis.times import timestamp
from services.user.domain import UserDeleted, UserState
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, BOB, stamp
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import RETENTION, Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc


async def delete(service: UserProcess, caller: Metadata, name: str = "users/me", **values: Any) -> pb.User:
    return await service.users.DeleteUser(rpc.DeleteUserRequest(name=name, **values), metadata=caller)


async def test_it_says_until_when_the_account_can_come_back(
    service: UserProcess, store: FakeUserStore, bob: Metadata, time: Time
) -> None:
    user = await delete(service, bob)

    assert (user.state, user.delete_time, user.purge_time) == (
        pb.User.STATE_DELETED,
        stamp(time),
        timestamp(time() + timedelta(days=30)),
    )
    assert store.events == [UserDeleted(BOB, time(), time() + RETENTION)]


async def test_a_deleted_user_is_listed_only_if_asked_for(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    await delete(service, bob)

    shown = await service.users.ListUsers(rpc.ListUsersRequest(parent=ACME), metadata=ada)
    everybody = await service.users.ListUsers(rpc.ListUsersRequest(parent=ACME, show_deleted=True), metadata=ada)
    deleted = await service.users.ListUsers(
        rpc.ListUsersRequest(parent=ACME, show_deleted=True, filter="state = STATE_DELETED"), metadata=ada
    )

    assert BOB not in [user.name for user in shown.users]
    assert BOB in [user.name for user in everybody.users]
    assert [user.name for user in deleted.users] == [BOB]


async def test_the_last_owner_makes_somebody_else_an_owner_first(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(delete(service, ada))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "LAST_OWNER_OF",
        {"user": ADA, "organizations": ACME},
    )


async def test_nobody_deletes_somebody_else(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(delete(service, ada, BOB))).reason == "USER_NOT_VISIBLE"


async def test_a_deactivated_account_is_brought_back_first(service: UserProcess, bob: Metadata) -> None:
    await service.users.DeactivateUser(rpc.DeactivateUserRequest(name="users/me"), metadata=bob)

    assert (await refusal(delete(service, bob))).reason == "USER_NOT_ACTIVE"


async def test_a_change_since_it_was_read_is_noticed(service: UserProcess, bob: Metadata) -> None:
    assert (await refusal(delete(service, bob, etag='"7"'))).reason == "ETAG_MISMATCH"


async def test_a_repeated_request_is_one_change(service: UserProcess, store: FakeUserStore, bob: Metadata) -> None:
    request_id = "5c9c1e44-8a25-4d8a-9a5a-3f9a9b1a7c12"

    first = await delete(service, bob, request_id=request_id)

    assert await delete(service, bob, request_id=request_id) == first
    assert len(store.events) == 1


async def test_validate_only_changes_nothing(service: UserProcess, store: FakeUserStore, bob: Metadata) -> None:
    await delete(service, bob, validate_only=True)

    assert store.tables.users[BOB].state is UserState.ACTIVE


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(delete(service, ()))).code is StatusCode.UNAUTHENTICATED
