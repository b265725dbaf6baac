"""TeamService.ListTeams."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, HIDDEN
from tests.component.user.teams import create_team
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import team_service_pb2 as rpc


async def listed(service: UserProcess, caller: Metadata, parent: str = ACME, **values: Any) -> rpc.ListTeamsResponse:
    return await service.teams.ListTeams(rpc.ListTeamsRequest(parent=parent, **values), metadata=caller)


async def test_lists_the_teams_of_an_organization_page_by_page(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    made = [await create_team(service, ada, name) for name in ("one", "two", "three")]

    first = await listed(service, bob, page_size=2)
    second = await listed(service, bob, page_size=2, page_token=first.next_page_token)

    assert [*first.teams, *second.teams] == made
    assert second.next_page_token == ""


async def test_filters_and_orders(service: UserProcess, ada: Metadata) -> None:
    top = await create_team(service, ada, "one")
    inner = [await create_team(service, ada, name, inside=top.name) for name in ("two", "three")]

    found = await listed(service, ada, filter=f'parent_team = "{top.name}"', order_by="display_name")

    assert list(found.teams) == [inner[1], inner[0]]


async def test_a_page_token_of_another_request_is_refused(service: UserProcess, ada: Metadata) -> None:
    for name in ("one", "two"):
        await create_team(service, ada, name)
    token = (await listed(service, ada, page_size=1)).next_page_token

    refused = await refusal(listed(service, ada, page_size=1, page_token=token, order_by="display_name"))

    assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_another_organization_is_denied(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(listed(service, ada, HIDDEN))).code is StatusCode.PERMISSION_DENIED
