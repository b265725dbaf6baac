"""MembershipService.ListMemberships."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, BOB, CID, HIDDEN, NOTHING
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import service_pb2 as rpc


async def list_memberships(
    service: UserProcess, caller: Metadata, parent: str = ACME, **values: Any
) -> rpc.ListMembershipsResponse:
    request = rpc.ListMembershipsRequest(parent=parent, **values)
    return await service.memberships.ListMemberships(request, metadata=caller)


def users(answer: rpc.ListMembershipsResponse) -> list[str]:
    return [membership.user for membership in answer.memberships]


async def test_pages_through_the_memberships(service: UserProcess, bob: Metadata) -> None:
    first = await list_memberships(service, bob, page_size=2, order_by="role desc")
    token = first.next_page_token
    second = await list_memberships(service, bob, page_size=2, order_by="role desc", page_token=token)

    assert users(first) == [BOB, CID]
    assert (users(second), second.next_page_token) == ([ADA], "")


async def test_filters_by_role(service: UserProcess, bob: Metadata) -> None:
    assert users(await list_memberships(service, bob, filter="role = ROLE_OWNER OR role = ROLE_ADMIN")) == [ADA, CID]


async def test_a_token_of_another_list_is_refused(service: UserProcess, bob: Metadata) -> None:
    request = rpc.ListUsersRequest(parent=ACME, page_size=1)
    other = await service.users.ListUsers(request, metadata=bob)

    refused = await refusal(list_memberships(service, bob, page_token=other.next_page_token))

    assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(list_memberships(service, ada, HIDDEN))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(list_memberships(service, ada, NOTHING))


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(list_memberships(service, ()))).code is StatusCode.UNAUTHENTICATED
