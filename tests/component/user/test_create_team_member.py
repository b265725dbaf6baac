"""TeamService.CreateTeamMember."""

from __future__ import annotations

from grpc import StatusCode

from services.user.domain import TeamMemberCreated
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, BOB, EVE, stamp
from tests.component.user.teams import REQUEST_ID, add_member, create_team
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import team_service_pb2 as rpc


async def test_a_member_of_the_organization_joins_a_team(
    service: UserProcess, store: FakeUserStore, cid: Metadata, time: Time
) -> None:
    team = await create_team(service, cid, "Operations")

    member = await add_member(service, cid, team.name, BOB)

    assert member == rpc.TeamMember(name=f"{team.name}/members/usr_bob", user=BOB, create_time=stamp(time))
    assert store.events[-1] == TeamMemberCreated(team.name, ACME, BOB, time())


async def test_strangers_join_no_team(service: UserProcess, ada: Metadata) -> None:
    team = await create_team(service, ada, "Operations")

    refused = await refusal(add_member(service, ada, team.name, EVE))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "MEMBERSHIP_NOT_FOUND")
    assert refused.metadata == {"membership": f"{ACME}/memberships/usr_eve"}


async def test_nobody_joins_twice(service: UserProcess, ada: Metadata) -> None:
    team = await create_team(service, ada, "Operations")
    await add_member(service, ada, team.name, BOB)

    refused = await refusal(add_member(service, ada, team.name, BOB))

    assert (refused.code, refused.reason) == (StatusCode.ALREADY_EXISTS, "TEAM_MEMBER_EXISTS")


async def test_a_team_that_is_not_there_takes_nobody(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(add_member(service, ada, f"{ACME}/teams/team_nothing", BOB))).reason == "TEAM_NOT_FOUND"


async def test_the_same_request_joins_once(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    team = await create_team(service, ada, "Operations")
    first = await add_member(service, ada, team.name, BOB, request_id=REQUEST_ID)

    assert await add_member(service, ada, team.name, BOB, request_id=REQUEST_ID) == first
    assert len(store.tables.team_members) == 1


async def test_somebody_is_named(service: UserProcess, ada: Metadata) -> None:
    team = await create_team(service, ada, "Operations")

    assert (await refusal(add_member(service, ada, team.name, ""))).fields == ["team_member.user"]
