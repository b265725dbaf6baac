"""TeamService.GetTeam."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME
from tests.component.user.teams import create_team
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import team_service_pb2 as rpc


async def test_a_member_sees_a_team(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    team = await create_team(service, ada, "Operations")

    assert await service.teams.GetTeam(rpc.GetTeamRequest(name=team.name), metadata=bob) == team


async def test_a_team_that_is_not_there_is_not_found(service: UserProcess, ada: Metadata) -> None:
    name = f"{ACME}/teams/team_nothing"

    refused = await refusal(service.teams.GetTeam(rpc.GetTeamRequest(name=name), metadata=ada))

    assert (refused.code, refused.reason, refused.metadata) == (StatusCode.NOT_FOUND, "TEAM_NOT_FOUND", {"team": name})


async def test_another_organization_is_denied_whether_or_not_the_team_exists(
    service: UserProcess, ada: Metadata, eve: Metadata
) -> None:
    team = await create_team(service, ada, "Operations")

    foreign = await refusal(service.teams.GetTeam(rpc.GetTeamRequest(name=team.name), metadata=eve))
    nothing = await refusal(service.teams.GetTeam(rpc.GetTeamRequest(name=f"{ACME}/teams/team_no"), metadata=eve))

    assert foreign.code is StatusCode.PERMISSION_DENIED
    assert foreign == nothing
