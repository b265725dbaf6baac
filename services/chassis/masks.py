"""Update masks (AIP-134, AIP-161): which fields of a resource a request changes, and to what."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from services.chassis.errors import invalid_field

EVERY = "*"


def values(resource: Message, mask: FieldMask, writable: Collection[str]) -> dict[str, Any]:
    """Return the new values by field. No mask means the fields that are set; `*` means all writable ones.

    Raises InvalidArgument for a path that does not exist or cannot be written, and if nothing is left to change.
    """
    paths = list(mask.paths) or [field.name for field, _ in resource.ListFields() if field.name in writable]
    if EVERY in paths:
        paths = sorted(writable)
    for path in paths:
        if path not in writable:
            raise invalid_field("update_mask", f"{path} cannot be changed; {', '.join(sorted(writable))} can.", "mask")
    if not paths:
        raise invalid_field("update_mask", "must name a field to change.", "mask")
    return {path: getattr(resource, path) for path in paths}
