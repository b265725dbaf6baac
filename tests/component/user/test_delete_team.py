"""TeamService.DeleteTeam."""

from __future__ import annotations

from grpc import StatusCode

from services.user.domain import TeamDeleted
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, BOB
from tests.component.user.teams import REQUEST_ID, add_member, create_team
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import team_service_pb2 as rpc


async def delete(service: UserProcess, caller: Metadata, name: str, **values: str) -> rpc.Team:
    return await service.teams.DeleteTeam(rpc.DeleteTeamRequest(name=name, **values), metadata=caller)  # type: ignore[arg-type]


async def test_a_team_goes_and_its_people_stay(
    service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time
) -> None:
    team = await create_team(service, ada, "Operations")
    await add_member(service, ada, team.name, BOB)

    assert await delete(service, ada, team.name) == team

    assert (store.tables.teams, store.tables.team_members) == ({}, {})
    assert f"{ACME}/memberships/usr_bob" in store.tables.memberships
    assert store.events[-1] == TeamDeleted(team.name, ACME, time())


async def test_a_team_with_teams_inside_stays(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    outer = await create_team(service, ada, "outer")
    await create_team(service, ada, "inner", inside=outer.name)

    refused = await refusal(delete(service, ada, outer.name))

    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "TEAM_NOT_EMPTY")
    assert outer.name in store.tables.teams


async def test_who_was_slower_is_told(service: UserProcess, ada: Metadata) -> None:
    team = await create_team(service, ada, "Operations")

    assert (await refusal(delete(service, ada, team.name, etag='"9"'))).reason == "ETAG_MISMATCH"


async def test_deleting_again_finds_nothing_but_repeating_does(service: UserProcess, ada: Metadata) -> None:
    team = await create_team(service, ada, "Operations")
    await delete(service, ada, team.name, request_id=REQUEST_ID)

    assert await delete(service, ada, team.name, request_id=REQUEST_ID) == team
    assert (await refusal(delete(service, ada, team.name))).reason == "TEAM_NOT_FOUND"
