"""TeamService.CreateTeam."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from services.user.domain import TeamCreated
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, HIDDEN, stamp
from tests.component.user.teams import REQUEST_ID, create_team
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import service_pb2 as users
from trellis.user.v1 import team_service_pb2 as rpc

DENIED = (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def test_an_administrator_creates_a_team(
    service: UserProcess, store: FakeUserStore, cid: Metadata, time: Time
) -> None:
    team = await create_team(service, cid, "Operations")

    now = stamp(time)
    assert team == rpc.Team(name=team.name, display_name="Operations", create_time=now, update_time=now, etag='"1"')
    assert team.name.startswith(f"{ACME}/teams/team")
    assert store.events == [TeamCreated(team.name, ACME, time())]


async def test_teams_nest_three_deep(service: UserProcess, ada: Metadata) -> None:
    first = await create_team(service, ada, "one")
    second = await create_team(service, ada, "two", inside=first.name)
    third = await create_team(service, ada, "three", inside=second.name)

    refused = await refusal(create_team(service, ada, "four", inside=third.name))

    assert third.parent_team == second.name
    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "TEAM_NESTING_INVALID")
    assert refused.metadata["depth"] == "3"


async def test_a_name_is_taken_whatever_its_case(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    await create_team(service, ada, "Operations")

    refused = await refusal(create_team(service, ada, "OPERATIONS"))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.ALREADY_EXISTS,
        "TEAM_EXISTS",
        {"organization": ACME},
    )
    assert len(store.tables.teams) == 1


@pytest.mark.parametrize("inside", [f"{ACME}/teams/team_nothing", f"{HIDDEN}/teams/team_hidden"])
async def test_a_team_is_inside_a_team_of_its_organization(service: UserProcess, ada: Metadata, inside: str) -> None:
    refused = await refusal(create_team(service, ada, "Operations", inside=inside))

    wanted = (StatusCode.NOT_FOUND, "TEAM_NOT_FOUND") if inside.startswith(ACME) else DENIED
    assert (refused.code, refused.reason) == wanted


async def test_a_deleted_organization_gets_no_team(service: UserProcess, ada: Metadata) -> None:
    await service.organizations.DeleteOrganization(users.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(create_team(service, ada, "Operations"))).reason == "ORGANIZATION_DELETED"


async def test_the_same_request_creates_one(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    first = await create_team(service, ada, "Operations", request_id=REQUEST_ID)

    assert await create_team(service, ada, "Operations", request_id=REQUEST_ID) == first
    assert len(store.events) == 1


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    assert (await refusal(create_team(service, bob, "Operations"))).metadata == {"permission": "teams.create"}


async def test_a_team_has_a_name(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(create_team(service, ada, "  "))).fields == ["display_name"]
