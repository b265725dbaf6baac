"""TeamService.ListTeamMembers."""

from __future__ import annotations

from typing import Any

from tests.component.refusals import refusal
from tests.component.user.conftest import BOB, CID
from tests.component.user.teams import add_member, create_team
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import team_service_pb2 as rpc


async def listed(service: UserProcess, caller: Metadata, team: str, **values: Any) -> rpc.ListTeamMembersResponse:
    return await service.teams.ListTeamMembers(rpc.ListTeamMembersRequest(parent=team, **values), metadata=caller)


async def test_lists_who_is_in_a_team(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    team = await create_team(service, ada, "Operations")
    joined = [await add_member(service, ada, team.name, user) for user in (BOB, CID)]

    first = await listed(service, bob, team.name, page_size=1)
    second = await listed(service, bob, team.name, page_size=1, page_token=first.next_page_token)

    assert [*first.team_members, *second.team_members] == joined


async def test_the_members_of_inner_teams_are_listed_there(service: UserProcess, ada: Metadata) -> None:
    outer = await create_team(service, ada, "outer")
    inner = await create_team(service, ada, "inner", inside=outer.name)
    await add_member(service, ada, inner.name, BOB)

    assert list((await listed(service, ada, outer.name)).team_members) == []


async def test_a_page_token_of_another_team_is_refused(service: UserProcess, ada: Metadata) -> None:
    team, other = await create_team(service, ada, "one"), await create_team(service, ada, "two")
    for user in (BOB, CID):
        await add_member(service, ada, team.name, user)
    token = (await listed(service, ada, team.name, page_size=1)).next_page_token

    assert (await refusal(listed(service, ada, other.name, page_token=token))).reason == "PAGE_TOKEN_INVALID"
