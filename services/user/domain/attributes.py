"""Custom attributes: what an organization knows of its members beyond what every organization knows.

The schema is the organization's own, so it is a stranger's: its patterns run in linear time, and it refers to nothing
outside of itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Self

from jsonschema_rs import Draft202012Validator, ReferencingError, RegexOptions, ValidationError

from services.chassis.errors import FieldViolation, InvalidArgument

MAX_SCHEMA_BYTES = 32 << 10
MAX_ATTRIBUTES_BYTES = 16 << 10
MAX_VIOLATIONS = 20
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
        """Raises AttributesInvalid that names everything the schema does not allow."""
        text = json.dumps(attributes)
        if len(text) > MAX_ATTRIBUTES_BYTES:
            limit = f"must not be larger than {MAX_ATTRIBUTES_BYTES >> 10} KiB."
            raise AttributesInvalid(self.organization, [FieldViolation("attributes", limit, "attributes.size")])
        found = _validator(json.dumps(self.schema)).iter_errors(json.loads(text))
        violations = [_violation(error) for error, _ in zip(found, range(MAX_VIOLATIONS), strict=False)]
        if violations:
            raise AttributesInvalid(self.organization, violations)


def unsaid(organization: str) -> AttributeSchema:
    """Return the schema of an organization that never said one."""
    return AttributeSchema(organization, NOTHING)


def _check_schema(schema: Attributes) -> None:
    text = json.dumps(schema)
    if schema.get("type") != "object" or len(text) > MAX_SCHEMA_BYTES:
        raise AttributeSchemaInvalid(f"must be a JSON Schema of type object, at most {MAX_SCHEMA_BYTES >> 10} KiB.")
    try:
        _validator(text)
    except (ValidationError, ReferencingError, ValueError) as error:
        raise AttributeSchemaInvalid(f"is no JSON Schema: {str(error).splitlines()[0][:200]}.") from None


@lru_cache(maxsize=256)
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema), validate_formats=True, offline=True, pattern_options=RegexOptions())


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
