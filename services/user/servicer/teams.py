"""`trellis.user.v1.TeamService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis.lists import Lists
from services.user import convert
from services.user.handlers import TeamHandlers
from services.user.handlers.teams import CreateTeam, UpdateTeam
from trellis.user.v1 import team_service_pb2 as rpc
from trellis.user.v1 import team_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

TEAM_FIELDS = frozenset({"display_name", "description", "parent_team"})


class TeamServicer(base.TeamServiceServicer):
    """`trellis.user.v1.TeamService`."""

    def __init__(self, handlers: TeamHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def CreateTeam(self, request: rpc.CreateTeamRequest, context: Context) -> rpc.Team:
        team = request.team
        new = CreateTeam(request.parent, convert.display_name_of(team), team.description, team.parent_team)
        return convert.team_to_proto(await self._handlers.create_team(new))

    async def GetTeam(self, request: rpc.GetTeamRequest, context: Context) -> rpc.Team:
        return convert.team_to_proto(await self._handlers.get_team(request.name))

    async def ListTeams(self, request: rpc.ListTeamsRequest, context: Context) -> rpc.ListTeamsResponse:
        rows = await self._handlers.list_teams(request.parent, self._lists.query(request))
        return rpc.ListTeamsResponse(
            teams=map(convert.team_to_proto, rows.items), next_page_token=self._lists.token(request, rows.next)
        )

    async def UpdateTeam(self, request: rpc.UpdateTeamRequest, context: Context) -> rpc.Team:
        values = convert.changes(request.team, request.update_mask, TEAM_FIELDS)
        change = UpdateTeam(request.team.name, values, request.team.etag)
        return convert.team_to_proto(await self._handlers.update_team(change))

    async def DeleteTeam(self, request: rpc.DeleteTeamRequest, context: Context) -> rpc.Team:
        return convert.team_to_proto(await self._handlers.delete_team(request.name, request.etag))

    async def CreateTeamMember(self, request: rpc.CreateTeamMemberRequest, context: Context) -> rpc.TeamMember:
        user = convert.user_of(request.team_member, "team_member")
        return convert.team_member_to_proto(await self._handlers.create_team_member(request.parent, user))

    async def ListTeamMembers(self, request: rpc.ListTeamMembersRequest, context: Context) -> rpc.ListTeamMembersResponse:
        rows = await self._handlers.list_team_members(request.parent, self._lists.query(request))
        return rpc.ListTeamMembersResponse(
            team_members=map(convert.team_member_to_proto, rows.items),
            next_page_token=self._lists.token(request, rows.next),
        )

    async def DeleteTeamMember(self, request: rpc.DeleteTeamMemberRequest, context: Context) -> rpc.TeamMember:
        return convert.team_member_to_proto(await self._handlers.delete_team_member(request.name))
