"""Users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.etags import etag_of
from services.chassis.times import time_of, timestamp
from services.user.domain import User
from trellis.auth.v1 import events_pb2 as auth_events
from trellis.auth.v1 import resources_pb2 as auth
from trellis.user.v1 import resources_pb2 as pb


def user_to_proto(user: User) -> pb.User:
    return pb.User(
        name=user.name,
        email=user.email,
        display_name=user.display_name,
        language_code=user.language_code,
        time_zone=user.time_zone,
        create_time=timestamp(user.create_time),
        update_time=timestamp(user.update_time),
        etag=etag_of(user.version),
        state=pb.User.State.ValueType(user.state),
        deactivate_time=timestamp(user.deactivate_time),
        delete_time=timestamp(user.delete_time),
        purge_time=timestamp(user.purge_time),
    )


def user_from_account(account: auth.Account | auth_events.AccountCreated) -> User:
    create_time = time_of(account.create_time)
    return User(account.user, account.email, account.display_name, create_time, create_time)


ANSWERS: dict[type, Callable[[Any], Message]] = {
    User: user_to_proto,
}
