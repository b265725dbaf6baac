"""Custom attributes and their schemas. A Struct knows only floating-point numbers; whole ones are whole here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value

from services.chassis.errors import invalid_field
from services.chassis.etags import etag_of
from services.chassis.times import timestamp
from services.user.domain import Attributes, AttributeSchema
from trellis.user.v1 import attribute_schema_service_pb2 as pb

_EXACT = 2**53  # beyond this a float does not hold every whole number


def attribute_schema_to_proto(schema: AttributeSchema) -> pb.AttributeSchema:
    return pb.AttributeSchema(
        name=schema.name,
        schema=attributes_to_proto(schema.schema),
        update_time=timestamp(schema.update_time),
        etag=etag_of(schema.version),
    )


def attributes_to_proto(attributes: Attributes) -> Struct:
    struct = Struct()
    struct.update(attributes)
    return struct


def attributes_from_proto(struct: Struct) -> Attributes:
    return {name: _plain(value) for name, value in struct.fields.items()}


def _plain(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return attributes_from_proto(value.struct_value)
        case "list_value":
            return [_plain(item) for item in value.list_value.values]
        case "number_value":
            return _number(value.number_value)
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
    return None


def _number(number: float) -> int | float:
    """Raises InvalidArgument for what JSON cannot say."""
    if not math.isfinite(number):
        raise invalid_field("attributes", "must hold finite numbers only.", "attributes.number")
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


ANSWERS: dict[type, Callable[[Any], Message]] = {
    AttributeSchema: attribute_schema_to_proto,
}
