"""Service accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from services.auth.domain import ServiceAccount
from services.chassis import masks
from services.chassis.errors import invalid_field
from services.chassis.etags import etag_of
from services.chassis.times import timestamp
from trellis.auth.v1 import service_account_service_pb2 as pb

WRITABLE = frozenset({"display_name", "description", "role"})


def service_account_to_proto(account: ServiceAccount) -> pb.ServiceAccount:
    return pb.ServiceAccount(
        name=account.name,
        display_name=account.display_name,
        description=account.description,
        role=account.role,
        state=pb.ServiceAccount.State.ValueType(account.state),
        create_time=timestamp(account.create_time),
        update_time=timestamp(account.update_time),
        etag=etag_of(account.version),
    )


def service_account_values(account: pb.ServiceAccount) -> dict[str, str]:
    """Return what a new account is to be. Raises InvalidArgument without a name."""
    return _filled({field: getattr(account, field) for field in WRITABLE})


def service_account_changes(account: pb.ServiceAccount, mask: FieldMask) -> dict[str, str]:
    """Return the new values by field. Raises InvalidArgument."""
    return _filled(masks.values(account, mask, WRITABLE))


def _filled(values: dict[str, str]) -> dict[str, str]:
    """Return the values with the least role where none is said. Raises InvalidArgument for an empty name."""
    if "display_name" in values and not values["display_name"].strip():
        raise invalid_field("service_account.display_name", "must not be empty.", "required")
    return {**values, "role": values["role"] or "roles/member"} if "role" in values else values


ANSWERS: dict[type, Callable[[Any], Message]] = {
    ServiceAccount: service_account_to_proto,
}
