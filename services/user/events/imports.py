"""Events of imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.times import timestamp
from services.user import domain
from trellis.user.v1 import events_pb2 as pb


def _users_imported(event: domain.UsersImported) -> Message:
    return pb.UsersImported(
        organization=event.organization,
        created_users=event.created_users,
        updated_users=event.updated_users,
        import_time=timestamp(event.import_time),
    )


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.UsersImported: _users_imported,
}
