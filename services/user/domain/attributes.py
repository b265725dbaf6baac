"""Custom attributes: what an organization knows of its members beyond what every organization knows.

The schema is the organization's own, so it is a stranger's: its patterns run in linear time, and it refers to nothing
outside of itself. Checking costs milliseconds, whatever the schema and the attributes are: references are counted as what
they stand for, none leads back to itself, and only of what is small every mistake is named.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Self
from urllib.parse import unquote

from jsonschema_rs import Draft202012Validator, ReferencingError, RegexOptions, ValidationError

from services.chassis.errors import FieldViolation, InvalidArgument

MAX_SCHEMA_BYTES = 32 << 10
MAX_ATTRIBUTES_BYTES = 16 << 10
MAX_VIOLATIONS = 20
MAX_SCHEMA_PARTS = 500
"""Objects and lists of a schema, each reference counted as what it refers to, each pattern as PATTERN_PARTS."""
PATTERN_PARTS = 10
MAX_NAMED = 2_000
"""Parts of the schema times values: up to here all mistakes are named, beyond only the first. Each costs microseconds."""
MAX_REFERENCES = 20
"""References that lead one to the next."""
MAX_PATTERN_BYTES = 8 << 20
"""What one pattern may take when compiled; that takes up to 30 ms."""
OUTWARD = ("$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$recursiveRef")
"""Ways to refer that are not followed here; `$ref` with a pointer says the same."""
NOTHING: dict[str, Any] = {"type": "object", "additionalProperties": False}
"""The schema of an organization that never said one: no attributes."""

Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AttributeSchema:
    """What an organization wants to know of its members, as a JSON Schema (draft 2020-12)."""

    organization: str
    schema: Attributes
    update_time: datetime | None = None
    version: int = 0

    @property
    def name(self) -> str:
        """`organizations/{organization}/attributeSchema`."""
        return f"{self.organization}/attributeSchema"

    def change(self, schema: Attributes, at: datetime) -> tuple[Self, AttributeSchemaUpdated]:
        """Return the schema as changed, and what to announce. Raises AttributeSchemaInvalid."""
        _check_schema(schema)
        changed = replace(self, schema=schema, update_time=at, version=self.version + 1)
        return changed, AttributeSchemaUpdated(self.organization, at)

    def check(self, attributes: Attributes) -> None:
        """Raises AttributesInvalid that names what the schema does not allow: everything, or of what is large the first."""
        text = json.dumps(attributes)
        if len(text) > MAX_ATTRIBUTES_BYTES:
            limit = f"must not be larger than {MAX_ATTRIBUTES_BYTES >> 10} KiB."
            raise AttributesInvalid(self.organization, [FieldViolation("attributes", limit, "attributes.size")])
        validator, value = _validator(json.dumps(self.schema)), json.loads(text)
        try:
            validator.validate(value)
        except ValidationError as first:
            few = _parts(self.schema, self.schema, ()) * _values(value) <= MAX_NAMED
            found = islice(validator.iter_errors(value), MAX_VIOLATIONS) if few else [first]
            raise AttributesInvalid(self.organization, [_violation(error) for error in found]) from None


def unsaid(organization: str) -> AttributeSchema:
    """Return the schema of an organization that never said one."""
    return AttributeSchema(organization, NOTHING)


def _check_schema(schema: Attributes) -> None:
    text = json.dumps(schema)
    if schema.get("type") != "object" or len(text) > MAX_SCHEMA_BYTES:
        raise AttributeSchemaInvalid(f"must be a JSON Schema of type object, at most {MAX_SCHEMA_BYTES >> 10} KiB.")
    if _parts(schema, schema, ()) > MAX_SCHEMA_PARTS:
        raise AttributeSchemaInvalid(
            f"has more than {MAX_SCHEMA_PARTS} parts, each $ref counted as what it refers to, each pattern as ten."
        )
    try:
        _validator(text)
    except (ValidationError, ReferencingError, ValueError) as error:
        raise AttributeSchemaInvalid(f"is no JSON Schema: {str(error).splitlines()[0][:200]}.") from None


@lru_cache(maxsize=256)
def _validator(schema: str) -> Draft202012Validator:
    patterns = RegexOptions(size_limit=MAX_PATTERN_BYTES)
    return Draft202012Validator(json.loads(schema), validate_formats=True, offline=True, pattern_options=patterns)


def _parts(node: Any, root: Attributes, inside: tuple[str, ...]) -> int:
    """Count the parts of a schema, no further than it takes to refuse it. Raises AttributeSchemaInvalid.

    `inside` are the references that led here: one that is among them would lead on for ever.
    """
    if not isinstance(node, dict | list):
        return 0
    count = 1
    if isinstance(node, dict):
        by_pattern = node.get("patternProperties")
        count += PATTERN_PARTS * (("pattern" in node) + (len(by_pattern) if isinstance(by_pattern, dict) else 0))
        for key in OUTWARD:
            if isinstance(node.get(key), str) and (key != "$id" or node is not root):
                raise AttributeSchemaInvalid(f"must not use {key}; use $ref with a pointer such as #/$defs/name.")
        if isinstance(target := node.get("$ref"), str):
            if target in inside or len(inside) == MAX_REFERENCES:
                raise AttributeSchemaInvalid(f"refers back to itself, or too far, with {target[:100]}.")
            count += _parts(_referred(target, root), root, (*inside, target))
    for each in node.values() if isinstance(node, dict) else node:
        if count > MAX_SCHEMA_PARTS:
            break
        count += _parts(each, root, inside)
    return count


def _referred(pointer: str, root: Attributes) -> Any:
    """Return the part that a JSON pointer refers to; None if there is none, which the validator refuses."""
    if not pointer.startswith("#"):
        raise AttributeSchemaInvalid(f"must not refer to {pointer[:100]}, which is outside of it.")
    found: Any = root
    for escaped in unquote(pointer[1:]).split("/")[1:]:
        step = escaped.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


def _values(value: Any) -> int:
    """Count the values in a document."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(_values(each) for each in inner)


def _violation(error: ValidationError) -> FieldViolation:
    path = ".".join(["attributes", *(str(part) for part in error.instance_path)])
    return FieldViolation(path, f"{error.message[:200]}.", f"attributes.{error.schema_path[-1]}")


@dataclass(frozen=True, slots=True)
class AttributeSchemaUpdated:
    """An organization wants to know something else from now on."""

    organization: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class MembershipAttributesUpdated:
    """The custom attributes of a member changed."""

    membership: str
    organization: str
    update_time: datetime


class AttributeSchemaInvalid(InvalidArgument):
    """The schema is none, is too large or refers to something outside of itself."""

    reason = "ATTRIBUTE_SCHEMA_INVALID"

    def __init__(self, description: str) -> None:
        field = "attribute_schema.schema"
        super().__init__(f"{field} {description}", fields=[FieldViolation(field, description, "schema")])


class AttributesInvalid(InvalidArgument):
    """The attributes are not what the organization's schema allows."""

    reason = "ATTRIBUTES_INVALID"

    def __init__(self, organization: str, violations: list[FieldViolation]) -> None:
        summary = "; ".join(f"{each.field}: {each.description}" for each in violations)
        super().__init__(
            f"The attributes of {organization} do not allow this: {summary}", fields=violations, organization=organization
        )
