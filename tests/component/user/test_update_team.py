"""TeamService.UpdateTeam."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

from services.user.domain import TeamUpdated
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME
from tests.component.user.teams import create_team
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import team_service_pb2 as rpc


async def update(service: UserProcess, caller: Metadata, team: rpc.Team, *paths: str) -> rpc.Team:
    request = rpc.UpdateTeamRequest(team=team, update_mask=FieldMask(paths=paths))
    return await service.teams.UpdateTeam(request, metadata=caller)


async def test_an_administrator_renames_a_team(
    service: UserProcess, store: FakeUserStore, cid: Metadata, time: Time
) -> None:
    team = await create_team(service, cid, "Operations")

    renamed = await update(service, cid, rpc.Team(name=team.name, display_name="Ops", etag=team.etag), "display_name")

    assert (renamed.display_name, renamed.etag) == ("Ops", '"2"')
    assert store.events[-1] == TeamUpdated(team.name, ACME, "", time())


async def test_a_team_moves_with_the_teams_inside_it(service: UserProcess, ada: Metadata) -> None:
    top, moved = await create_team(service, ada, "top"), await create_team(service, ada, "moved")
    inner = await create_team(service, ada, "inner", inside=moved.name)
    await update(service, ada, rpc.Team(name=moved.name, parent_team=top.name), "parent_team")

    refused = await refusal(create_team(service, ada, "too deep", inside=inner.name))

    assert refused.reason == "TEAM_NESTING_INVALID"


async def test_a_team_is_never_inside_itself(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    outer = await create_team(service, ada, "outer")
    inner = await create_team(service, ada, "inner", inside=outer.name)

    refused = await refusal(update(service, ada, rpc.Team(name=outer.name, parent_team=inner.name), "parent_team"))

    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "TEAM_NESTING_INVALID")
    assert store.tables.teams[outer.name].parent_team == ""


async def test_a_team_comes_back_to_the_top(service: UserProcess, ada: Metadata) -> None:
    outer = await create_team(service, ada, "outer")
    inner = await create_team(service, ada, "inner", inside=outer.name)

    assert (await update(service, ada, rpc.Team(name=inner.name), "parent_team")).parent_team == ""


async def test_who_was_slower_is_told(service: UserProcess, ada: Metadata) -> None:
    team = await create_team(service, ada, "Operations")
    await update(service, ada, rpc.Team(name=team.name, description="first"), "description")

    late = rpc.Team(name=team.name, description="second", etag=team.etag)

    assert (await refusal(update(service, ada, late, "description"))).reason == "ETAG_MISMATCH"


async def test_a_name_that_is_taken_is_refused(service: UserProcess, ada: Metadata) -> None:
    await create_team(service, ada, "one")
    two = await create_team(service, ada, "two")

    assert (await refusal(update(service, ada, rpc.Team(name=two.name, display_name="One")))).reason == "TEAM_EXISTS"


@pytest.mark.parametrize("path", ["name", "create_time", "etag", "nothing"])
async def test_only_what_may_change_changes(service: UserProcess, ada: Metadata, path: str) -> None:
    team = await create_team(service, ada, "Operations")

    assert (await refusal(update(service, ada, team, path))).fields == ["update_mask"]


async def test_a_team_that_is_not_there_is_not_found(service: UserProcess, ada: Metadata) -> None:
    nothing = rpc.Team(name=f"{ACME}/teams/team_nothing", display_name="x")

    assert (await refusal(update(service, ada, nothing))).reason == "TEAM_NOT_FOUND"
