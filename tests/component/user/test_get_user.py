"""UserService.GetUser."""

from __future__ import annotations

from grpc import StatusCode

from services.user.domain import User
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, BOB, EVE, NOBODY, stamp
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc


async def get(service: UserProcess, name: str, caller: Metadata) -> pb.User:
    return await service.users.GetUser(rpc.GetUserRequest(name=name), metadata=caller)


async def test_answers_with_oneself(service: UserProcess, ada: Metadata, time: Time) -> None:
    myself = await get(service, "users/me", ada)

    now = stamp(time)
    assert myself == pb.User(
        name=ADA,
        email="ada@example.com",
        display_name="Ada",
        create_time=now,
        update_time=now,
        etag='"1"',
        state=pb.User.STATE_ACTIVE,
    )
    assert await get(service, ADA, ada) == myself


async def test_answers_with_a_member_of_the_same_organization(service: UserProcess, ada: Metadata) -> None:
    assert (await get(service, BOB, ada)).name == BOB


async def test_anybody_else_is_denied_whether_or_not_they_exist(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(get(service, EVE, ada))
    unknown = await refusal(get(service, NOBODY, ada))

    assert (foreign.code, foreign.reason, foreign.domain) == (
        StatusCode.PERMISSION_DENIED,
        "USER_NOT_VISIBLE",
        "trellis.user",
    )
    assert (foreign.metadata, unknown.metadata) == ({"user": EVE}, {"user": NOBODY})
    assert foreign.message.replace(EVE, NOBODY) == unknown.message
    assert (foreign.code, foreign.reason) == (unknown.code, unknown.reason)


async def test_a_newcomer_is_known_before_the_event_about_them_arrives(service: UserProcess, store: FakeUserStore) -> None:
    new = User("users/usr_new", "new@example.com", "New", NOON, NOON)
    service.parts.accounts.known[new.name] = new

    found = await get(service, "users/me", service.called_by(new.name))

    assert found.email == "new@example.com"
    assert store.tables.users[new.name] == new


async def test_somebody_whom_nobody_knows_is_not_found(service: UserProcess) -> None:
    refused = await refusal(get(service, "users/me", service.called_by(NOBODY)))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "USER_NOT_FOUND")


async def test_refuses_what_is_no_name_of_a_user(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(get(service, "users/UPPER", ada))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", ["name"])


async def test_refuses_strangers(service: UserProcess) -> None:
    refused = await refusal(get(service, ADA, ()))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


async def test_a_service_account_is_no_user_but_sees_the_members(service: UserProcess) -> None:
    robot = service.called_by(f"{ACME}/serviceAccounts/sva_1", ACME, "member")
    refused = await refusal(get(service, "users/me", robot))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "USER_NOT_VISIBLE")
    assert (await get(service, BOB, robot)).name == BOB
