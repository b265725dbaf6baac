"""TeamService.DeleteTeamMember."""

from __future__ import annotations

from grpc import StatusCode

from services.user.domain import TeamMemberDeleted
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, BOB
from tests.component.user.teams import add_member, create_team
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import service_pb2 as users
from trellis.user.v1 import team_service_pb2 as rpc


async def delete(service: UserProcess, caller: Metadata, name: str) -> rpc.TeamMember:
    return await service.teams.DeleteTeamMember(rpc.DeleteTeamMemberRequest(name=name), metadata=caller)


async def test_somebody_leaves_a_team_and_stays_in_the_organization(
    service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time
) -> None:
    team = await create_team(service, ada, "Operations")
    member = await add_member(service, ada, team.name, BOB)

    assert await delete(service, ada, member.name) == member

    assert store.tables.team_members == {}
    assert f"{ACME}/memberships/usr_bob" in store.tables.memberships
    assert store.events[-1] == TeamMemberDeleted(team.name, ACME, BOB, time())


async def test_who_is_not_in_it_is_not_found(service: UserProcess, ada: Metadata) -> None:
    team = await create_team(service, ada, "Operations")

    refused = await refusal(delete(service, ada, f"{team.name}/members/usr_bob"))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "TEAM_MEMBER_NOT_FOUND")


async def test_who_leaves_the_organization_leaves_its_teams(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    team = await create_team(service, ada, "Operations")
    await add_member(service, ada, team.name, BOB)

    gone = users.DeleteMembershipRequest(name=f"{ACME}/memberships/usr_bob")
    await service.memberships.DeleteMembership(gone, metadata=ada)

    assert store.tables.team_members == {}
