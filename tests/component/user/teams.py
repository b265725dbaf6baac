"""Teams for tests: made and filled in one line."""

from __future__ import annotations

from typing import Any

from tests.component.user.conftest import ACME
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import team_service_pb2 as rpc

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def create_team(
    service: UserProcess, caller: Metadata, display_name: str, *, inside: str = "", parent: str = ACME, **values: Any
) -> rpc.Team:
    """Create a team of ACME."""
    team = rpc.Team(display_name=display_name, parent_team=inside)
    return await service.teams.CreateTeam(rpc.CreateTeamRequest(parent=parent, team=team, **values), metadata=caller)


async def add_member(service: UserProcess, caller: Metadata, team: str, user: str, **values: Any) -> rpc.TeamMember:
    """Put somebody into a team."""
    request = rpc.CreateTeamMemberRequest(parent=team, team_member=rpc.TeamMember(user=user), **values)
    return await service.teams.CreateTeamMember(request, metadata=caller)
