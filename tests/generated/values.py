"""A valid value for a field, out of its type and its protovalidate rules."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor import FieldDescriptor

from tests.generated.contract import Field

_numbers = itertools.count(1)
_INTEGERS = {
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_SINT32: "sint32",
    FieldDescriptor.TYPE_SINT64: "sint64",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_DOUBLE: "double",
}
REPEATED_PATTERN_LIMIT = 12


def value(field: Field, mark: str) -> Any:
    """Return a value nobody used before that keeps the field's rules. Texts begin with `mark`, where they may."""
    kind = field.descriptor.type
    rules = field.rules.repeated.items if field.repeated else field.rules
    if kind == FieldDescriptor.TYPE_STRING:
        return text(rules.string, mark)
    if kind == FieldDescriptor.TYPE_BYTES:
        return text(rules.string, mark).encode()[: rules.bytes.max_len or 64]
    if kind == FieldDescriptor.TYPE_BOOL:
        return True
    if kind == FieldDescriptor.TYPE_ENUM:
        return _enum(field, rules.enum)
    if kind in _INTEGERS:
        return _number(getattr(rules, _INTEGERS[kind]))
    return _known_message(field, rules)


def text(rules: Any, mark: str) -> str:
    """Return a text that keeps `buf.validate.StringRules`."""
    number = next(_numbers)
    if rules.const or getattr(rules, "in"):
        return str(rules.const or getattr(rules, "in")[0])
    for rule, made in _WELL_KNOWN.items():
        if rules.WhichOneof("well_known") == rule:
            return made(mark, number)
    if rules.pattern:
        return _matching(rules.pattern, number)
    made_up = f"{mark} {number}"
    shortest, longest = rules.min_len or rules.len, rules.max_len or rules.len or 100
    return f"{rules.prefix}{made_up.ljust(shortest, 'x')}"[-longest:]


_WELL_KNOWN: dict[str, Callable[[str, int], str]] = {
    "email": lambda mark, number: f"{mark}-{number}-{uuid.uuid4().hex[:8]}@example.com",
    "uuid": lambda mark, number: str(uuid.uuid4()),
    "hostname": lambda mark, number: f"{mark}-{number}-{uuid.uuid4().hex[:8]}.example.com",
    "uri": lambda mark, number: f"https://example.com/{mark}/{number}",
    "ip": lambda mark, number: f"192.0.2.{number % 254 + 1}",
    "ipv4": lambda mark, number: f"192.0.2.{number % 254 + 1}",
    "address": lambda mark, number: f"{mark}-{number}.example.com",
}


def _enum(field: Field, rules: Any) -> int:
    kind: Any = field.descriptor.enum_type
    allowed = list(getattr(rules, "in")) or [value.number for value in kind.values]
    return int(max(number for number in allowed if number not in rules.not_in))


def _number(rules: Any) -> int:
    if getattr(rules, "in"):
        return int(getattr(rules, "in")[0])
    lowest = rules.gte if rules.HasField("gte") else rules.gt + 1 if rules.HasField("gt") else 1
    highest = rules.lte if rules.HasField("lte") else rules.lt - 1 if rules.HasField("lt") else lowest + 1
    return int(max(lowest, min(highest, 1)))


def _known_message(field: Field, rules: Any) -> Any:
    name = field.message.full_name if field.message is not None else ""
    if name == "google.protobuf.Timestamp":
        at = timestamp_pb2.Timestamp()
        at.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
        return at
    if name == "google.protobuf.Duration":
        return rules.duration.gte if rules.duration.HasField("gte") else duration_pb2.Duration(seconds=3600)
    if name == "google.protobuf.Struct":
        return struct_pb2.Struct()
    if name == "google.protobuf.FieldMask":
        return field_mask_pb2.FieldMask()
    if name.startswith("google.protobuf.") and name.endswith("Value"):
        return getattr(wrappers_pb2, name.rpartition(".")[2])()
    return None


def _matching(pattern: str, number: int) -> str:
    """Return a text that the whole pattern matches; runs that may be long enough carry a number, so that texts differ."""
    parser: Any = vars(re)["_parser"]  # the module `sre_parse` of old
    found = "".join(_made(parser.parse(pattern), iter(f"{number:x}{uuid.uuid4().hex}")))
    assert re.search(pattern, found), f"no text was found that matches {pattern}"
    return found


def _made(parsed: Any, letters: Any) -> list[str]:
    made = []
    for operation, argument in parsed:
        match str(operation):
            case "LITERAL":
                made.append(chr(argument))
            case "IN" | "CATEGORY" | "ANY" | "NOT_LITERAL":
                made.append(_letter(argument, letters))
            case "MAX_REPEAT" | "MIN_REPEAT":
                lowest, highest, inner = argument
                times = max(lowest, min(highest, REPEATED_PATTERN_LIMIT)) if lowest else min(highest, 0)
                made += [part for _ in range(times) for part in _made(inner, letters)]
            case "SUBPATTERN":
                made += _made(argument[3], letters)
            case "BRANCH":
                made += _made(max(argument[1], key=len), letters)
    return made


def _letter(wanted: Any, letters: Any) -> str:
    """Return a letter of a class, the next of `letters` if it belongs to it."""
    text = next(letters)
    ranges = [(a, a) if str(o) == "LITERAL" else a for o, a in wanted if str(o) in ("LITERAL", "RANGE")]
    ranges += [(ord("0"), ord("9")) for _, a in wanted if str(a) == "CATEGORY_DIGIT"]
    if not ranges or any(low <= ord(text) <= high for low, high in ranges):
        return str(text)
    low, high = ranges[0]
    return chr(low + ord(text) % (high - low + 1))
