"""API keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.auth.domain import ApiKey, IssuedApiKey
from services.chassis import masks
from services.chassis.errors import invalid_field
from services.chassis.etags import etag_of
from services.chassis.times import time_of, timestamp
from trellis.auth.v1 import api_key_service_pb2 as pb

WRITABLE = frozenset({"display_name", "scopes"})


def api_key_to_proto(key: ApiKey) -> pb.ApiKey:
    return pb.ApiKey(
        name=key.name,
        display_name=key.display_name,
        subject=key.subject,
        scopes=key.scopes,
        expire_time=timestamp(key.expire_time),
        hint=key.hint,
        last_used_time=timestamp(key.last_used_time),
        revoke_time=timestamp(key.revoke_time),
        create_time=timestamp(key.create_time),
        update_time=timestamp(key.update_time),
        etag=etag_of(key.version),
    )


def issued_api_key_to_proto(issued: IssuedApiKey) -> pb.ApiKey:
    answer = api_key_to_proto(issued.key)
    answer.secret = issued.secret
    return answer


def api_key_changes(key: pb.ApiKey, mask: FieldMask) -> dict[str, Any]:
    """Return the new values by field. Raises InvalidArgument."""
    return masks.values(key, mask, WRITABLE)


def expire_time_of(message: Message, path: str) -> datetime | None:
    """Return when a secret is to end, None where that is not said. Raises InvalidArgument for what is no time."""
    if not message.HasField("expire_time"):
        return None
    stamp: Timestamp = getattr(message, "expire_time")  # noqa: B009 -- of two kinds of messages
    try:
        return time_of(stamp)
    except (ValueError, OverflowError):
        raise invalid_field(path, "must be a time.", "timestamp") from None


ANSWERS: dict[type, Callable[[Any], Message]] = {
    ApiKey: api_key_to_proto,
    IssuedApiKey: issued_api_key_to_proto,
}
