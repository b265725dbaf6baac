"""Events of teams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user import domain
from trellis.user.v1 import events_pb2 as pb


def _team_created(event: domain.TeamCreated) -> Message:
    return pb.TeamCreated(team=event.team, organization=event.organization, create_time=timestamp(event.create_time))


def _team_updated(event: domain.TeamUpdated) -> Message:
    return pb.TeamUpdated(
        team=event.team,
        organization=event.organization,
        parent_team=event.parent_team,
        update_time=timestamp(event.update_time),
    )


def _team_deleted(event: domain.TeamDeleted) -> Message:
    return pb.TeamDeleted(team=event.team, organization=event.organization, delete_time=timestamp(event.delete_time))


def _team_member_created(event: domain.TeamMemberCreated) -> Message:
    return pb.TeamMemberCreated(
        team=event.team, organization=event.organization, user=event.user, create_time=timestamp(event.create_time)
    )


def _team_member_deleted(event: domain.TeamMemberDeleted) -> Message:
    return pb.TeamMemberDeleted(
        team=event.team, organization=event.organization, user=event.user, delete_time=timestamp(event.delete_time)
    )


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.TeamCreated: _team_created,
    domain.TeamUpdated: _team_updated,
    domain.TeamDeleted: _team_deleted,
    domain.TeamMemberCreated: _team_member_created,
    domain.TeamMemberDeleted: _team_member_deleted,
}
