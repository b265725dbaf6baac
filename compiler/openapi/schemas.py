"""Messages as JSON Schema, collected as they are referred to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

from compiler.model import Contract, Enum, Field, Message
from compiler.openapi.examples import Examples
from compiler.openapi.scalars import TYPES, Json, scalar

_WRAPPED = {
    "BoolValue": "bool",
    "StringValue": "string",
    "BytesValue": "bytes",
    "Int32Value": "int32",
    "UInt32Value": "uint32",
    "Int64Value": "int64",
    "UInt64Value": "uint64",
    "FloatValue": "float",
    "DoubleValue": "double",
}
WELL_KNOWN: dict[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$", "examples": ["1.5s"]},
    "google.protobuf.FieldMask": {"type": "string", "examples": ["displayName"]},
    "google.protobuf.Empty": {"type": "object", "description": "Nothing.", "additionalProperties": False},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.NullValue": {"type": "null"},
    "google.protobuf.Any": {
        "type": "object",
        "description": "Some message; `@type` says which.",
        "properties": {"@type": {"type": "string", "examples": ["type.googleapis.com/google.rpc.ErrorInfo"]}},
        "required": ["@type"],
        "additionalProperties": True,
    },
    "google.api.HttpBody": {},
    **{f"google.protobuf.{n}": {**scalar(k, {}), "type": [scalar(k, {})["type"], "null"]} for n, k in _WRAPPED.items()},
}
"""JSON forms of types that are not written as their fields."""
_READ_ONLY = ("OUTPUT_ONLY", "IDENTIFIER")


class Shape(NamedTuple):
    """A message as it is sent in one place."""

    message: str
    partial: bool = False
    """Whether no field is required: the body of an update."""
    without: frozenset[str] = frozenset()
    """Fields that the path says."""


class Schemas:
    """The schemas of a document's components."""

    def __init__(self, contract: Contract, examples: Examples) -> None:
        self._contract, self._examples = contract, examples
        self._names: dict[Shape | str, str] = {}
        self._components: dict[str, Json] = {}

    @property
    def components(self) -> dict[str, Json]:
        """What was referred to, by name."""
        return dict(sorted(self._components.items()))

    def message(self, shape: Shape) -> Json:
        """A schema of a message, for the most part a reference."""
        known = WELL_KNOWN.get(shape.message)
        if known is not None:
            return dict(known)
        return self._reference(shape, self._contract.messages.get(shape.message) or self._contract.imported[shape.message])

    def field(self, field: Field, owner: Message) -> Json:
        """The schema of a field as a property or a parameter, with description and example."""
        schema = self._value(field, self._may_be_unset(field, owner))
        single = schema.get("items", schema)
        if "examples" not in single and (example := self._examples.of(field, single)) is not None:
            single["examples"] = [example]
        marks: Json = {"readOnly": read_only(field), "writeOnly": "INPUT_ONLY" in field.behaviors}
        marks["deprecated"] = field.deprecated
        if field.data_class:
            marks["x-trellis-data-class"] = field.data_class.lower()
        if field.data_class == "SECRET" and field.type == "string":
            single.setdefault("format", "password")
        return {
            **schema,
            **({"description": text} if (text := _described(field)) else {}),
            **{k: v for k, v in marks.items() if v},
        }

    def _value(self, field: Field, may_be_unset: bool) -> Json:
        if field.map_types[0]:
            rules = {"map.max_pairs": "maxProperties"} | ({} if may_be_unset else {"map.min_pairs": "minProperties"})
            values = self._single(field.map_types[1], _prefixed(field, "map.values."), field, may_be_unset=False)
            return {"type": "object", "additionalProperties": values, **_renamed(field, rules)}
        if field.repeated:
            rules = {"repeated.max_items": "maxItems", "repeated.unique": "uniqueItems"}
            rules |= {} if may_be_unset else {"repeated.min_items": "minItems"}
            items = self._single(field.type, dict(field.value_rules), field, may_be_unset=False)
            return {"type": "array", "items": items, **_renamed(field, rules)}
        return self._single(field.type, dict(field.rules), field, may_be_unset=may_be_unset)

    def _single(self, kind: str, rules: dict[str, object], field: Field, *, may_be_unset: bool) -> Json:
        if kind in TYPES:
            return scalar(kind, rules, info=field.format, may_be_zero=may_be_unset)
        enum = self._contract.enums.get(kind)
        if enum is None:
            return self.message(Shape(kind))
        unwanted = [] if may_be_unset else _refused(enum, rules)
        reference = self._reference(kind, enum)
        return {"allOf": [reference], "not": {"enum": unwanted}} if unwanted else reference

    def _may_be_unset(self, field: Field, owner: Message) -> bool:
        """Whether answers show the field as zero although its rules speak of requests."""
        present = field.optional or field.oneof or "REQUIRED" in field.behaviors
        return owner.name in self._answered and not present

    def _reference(self, key: Shape | str, element: Message | Enum) -> Json:
        if key not in self._names:
            self._names[key] = name = self._name(element.name, partial=isinstance(key, Shape) and key.partial)
            self._components[name] = {}  # a message may contain itself
            made = self._object(key, element) if isinstance(key, Shape) and isinstance(element, Message) else _enum(element)
            self._components[name] = made
        return {"$ref": f"#/components/schemas/{self._names[key]}"}

    def _name(self, full: str, *, partial: bool) -> str:
        """`User`, or `auth.User` if another service has one of that name too; others' messages keep their full name."""
        short = full.split(".", 3)[3] if full in self._own else full
        name = f"{full.split('.')[1]}.{short}" if self._own.get(full, False) else short
        name += "Patch" if partial else ""
        return next(each for each in (name, *(f"{name}{n}" for n in range(2, 99))) if each not in self._components)

    def _object(self, shape: Shape, message: Message) -> Json:
        fields = [field for field in message.fields if field.name not in shape.without]
        required = [field.json_name for field in fields if "REQUIRED" in field.behaviors and not shape.partial]
        schema: Json = {"type": "object"}
        if message.place.comment:
            schema["description"] = message.place.comment
        schema["properties"] = {field.json_name: self.field(field, message) for field in fields}
        if required:
            schema["required"] = required
        choices = [choice for oneof in message.oneofs for choice in [_choice(message, oneof.name, oneof.required)] if choice]
        return {**schema, **(choices[0] if len(choices) == 1 else {"allOf": choices} if choices else {})}

    @cached_property
    def _own(self) -> dict[str, bool]:
        """Full names of the contract → whether another service uses the same short name."""
        names = [*self._contract.messages, *self._contract.enums]
        shorts = [name.split(".", 3)[3] for name in names]
        return {name: shorts.count(short) > 1 for name, short in zip(names, shorts, strict=True)}

    @cached_property
    def _answered(self) -> set[str]:
        """Messages that answers are made of."""
        outputs = {rpc.output for rpc in self._contract.rpcs if rpc.bindings} & self._contract.messages.keys()
        below = {
            kind
            for name in outputs
            for _, _, field in self._contract.walk(self._contract.messages[name])
            for kind in (field.type, field.map_types[1])
        }
        return outputs | (below & self._contract.messages.keys())


def read_only(field: Field) -> bool:
    """Whether callers cannot send the field: the platform says it, or the path does."""
    return any(behavior in _READ_ONLY for behavior in field.behaviors)


def _enum(enum: Message | Enum) -> Json:
    assert isinstance(enum, Enum)
    lines = [f"- `{value.name}`: {value.place.comment}" for value in enum.values if value.place.comment]
    text = "\n".join([enum.place.comment, "", *lines]).strip()
    example = next((value.name for value in enum.values if value.number), enum.values[0].name)
    return {"type": "string", "description": text, "enum": [value.name for value in enum.values], "examples": [example]}


def _refused(enum: Enum, rules: dict[str, object]) -> list[str]:
    """Values that requests cannot have."""
    numbers = rules.get("enum.not_in", ())
    wanted = rules.get("enum.in", ())
    assert isinstance(numbers, Iterable)
    assert isinstance(wanted, Iterable)
    only = set(wanted)
    return [v.name for v in enum.values if v.number in set(numbers) or (only and v.number not in only)]


def _choice(message: Message, name: str, required: bool) -> Json:
    """At most one, or exactly one, of the fields of a oneof."""
    each: list[Json] = [{"required": [field.json_name]} for field in message.fields if field.oneof == name]
    if required:
        return {"oneOf": each}
    return {"oneOf": [*each, {"not": {"anyOf": each}}]} if len(each) > 1 else {}


def _described(field: Field) -> str:
    rules = field.rules.get("cel", ())
    assert isinstance(rules, Iterable)
    said: list[Any] = [rule.message for rule in rules if rule.message]
    fixed = ["Cannot be changed later."] if "IMMUTABLE" in field.behaviors else []
    return " ".join([*([field.place.comment] if field.place.comment else []), *fixed, *said])


def _prefixed(field: Field, prefix: str) -> dict[str, object]:
    return {name.removeprefix(prefix): rule for name, rule in field.rules.items() if name.startswith(prefix)}


def _renamed(field: Field, names: dict[str, str]) -> Json:
    return {keyword: field.rules[rule] for rule, keyword in names.items() if rule in field.rules}
