"""UserService.ListUsers."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, BOB, CID, HIDDEN, NOTHING
from tests.conftest import Time
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import service_pb2 as rpc


async def list_users(
    service: UserProcess, caller: Metadata, parent: str = ACME, **values: str | int
) -> rpc.ListUsersResponse:
    request = rpc.ListUsersRequest(parent=parent, **values)
    return await service.users.ListUsers(request, metadata=caller)


def names(answer: rpc.ListUsersResponse) -> list[str]:
    return [user.name for user in answer.users]


async def test_pages_through_the_members(service: UserProcess, bob: Metadata) -> None:
    first = await list_users(service, bob, page_size=2, order_by="display_name desc")
    second = await list_users(service, bob, page_size=2, order_by="display_name desc", page_token=first.next_page_token)

    assert names(first) == [CID, BOB]
    assert (names(second), second.next_page_token) == ([ADA], "")


async def test_filters(service: UserProcess, bob: Metadata) -> None:
    assert names(await list_users(service, bob, filter='email: "ADA@"')) == [ADA]


async def test_a_page_token_of_other_arguments_is_refused(service: UserProcess, bob: Metadata, ada: Metadata) -> None:
    first = await list_users(service, bob, page_size=1)
    token = first.next_page_token

    for altered in (
        list_users(service, bob, page_size=1, page_token=token, order_by="email"),
        list_users(service, ada, page_size=1, page_token=token),
        list_users(service, bob, page_size=1, page_token=token[:-2]),
    ):
        refused = await refusal(altered)
        assert (refused.code, refused.reason, refused.fields) == (
            StatusCode.INVALID_ARGUMENT,
            "PAGE_TOKEN_INVALID",
            ["page_token"],
        )


async def test_a_page_token_ends_after_a_day(service: UserProcess, bob: Metadata, time: Time) -> None:
    first = await list_users(service, bob, page_size=1)
    time.move(hours=24, seconds=1)

    caller = service.called_by(BOB, ACME, "member")
    refused = await refusal(list_users(service, caller, page_size=1, page_token=first.next_page_token))

    assert refused.reason == "PAGE_TOKEN_INVALID"


async def test_a_filter_that_cannot_be_read_is_refused(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(list_users(service, bob, filter="display_name ="))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", ["filter"])


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(list_users(service, ada, HIDDEN))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(list_users(service, ada, NOTHING))


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(list_users(service, ()))).code is StatusCode.UNAUTHENTICATED
