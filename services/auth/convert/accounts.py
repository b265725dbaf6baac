"""Accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth.domain import Account
from services.chassis.times import timestamp
from trellis.auth.v1 import resources_pb2 as pb


def account_to_proto(account: Account) -> pb.Account:
    return pb.Account(
        user=account.user,
        email=account.email,
        display_name=account.display_name,
        create_time=timestamp(account.create_time),
    )


ANSWERS: dict[type, Callable[[Any], Message]] = {
    Account: account_to_proto,
}
