"""Teams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.etags import etag_of
from services.chassis.times import timestamp
from services.user.domain import Team, TeamMember
from trellis.user.v1 import team_service_pb2 as pb


def team_to_proto(team: Team) -> pb.Team:
    return pb.Team(
        name=team.name,
        display_name=team.display_name,
        description=team.description,
        parent_team=team.parent_team,
        create_time=timestamp(team.create_time),
        update_time=timestamp(team.update_time),
        etag=etag_of(team.version),
    )


def team_member_to_proto(member: TeamMember) -> pb.TeamMember:
    return pb.TeamMember(name=member.name, user=member.user, create_time=timestamp(member.create_time))


ANSWERS: dict[type, Callable[[Any], Message]] = {
    Team: team_to_proto,
    TeamMember: team_member_to_proto,
}
