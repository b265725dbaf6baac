"""Events of users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user import domain
from trellis.user.v1 import events_pb2 as pb


def _user_updated(event: domain.UserUpdated) -> Message:
    return pb.UserUpdated(user=event.user, fields=event.fields, update_time=timestamp(event.update_time))


def _user_deactivated(event: domain.UserDeactivated) -> Message:
    return pb.UserDeactivated(user=event.user, deactivate_time=timestamp(event.deactivate_time))


def _user_reactivated(event: domain.UserReactivated) -> Message:
    return pb.UserReactivated(user=event.user, update_time=timestamp(event.update_time))


def _user_deleted(event: domain.UserDeleted) -> Message:
    return pb.UserDeleted(user=event.user, delete_time=timestamp(event.delete_time), purge_time=timestamp(event.purge_time))


def _user_undeleted(event: domain.UserUndeleted) -> Message:
    return pb.UserUndeleted(user=event.user, update_time=timestamp(event.update_time))


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.UserDeactivated: _user_deactivated,
    domain.UserDeleted: _user_deleted,
    domain.UserReactivated: _user_reactivated,
    domain.UserUndeleted: _user_undeleted,
    domain.UserUpdated: _user_updated,
}
