"""What values may look like: from their names, their rules and the examples that the contract gives of its errors."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from compiler.model import Contract, Field

_BY_NAME: dict[str, Any] = {
    "email": "ada@example.com",
    "password": "correct horse battery staple",
    "display_name": "Ada Lovelace",
    "language_code": "en-GB",
    "time_zone": "Europe/London",
    "page_size": 50,
    "user_agent": "Mozilla/5.0",
    "filter": "",
    "order_by": "create_time desc",
    "update_mask": "displayName",
    "domain": "example.com",
    "etag": '"1a2b3c"',
}
_BY_FORMAT = {
    "email": "ada@example.com",
    "uuid": "0b8f6a1e-6f1c-4e62-9a55-2f4d8f1f7c11",
    "uri": "https://example.com/",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "date-time": "2026-01-01T12:00:00Z",
}


class Examples:
    """Examples of values; None where nothing fits."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def of(self, field: Field, schema: dict[str, Any]) -> Any:
        """An example of a field's single value that its schema admits."""
        candidates = (
            self._resource(field.reference),
            _BY_NAME.get(field.name),
            _BY_FORMAT.get(str(schema.get("format", ""))),
        )
        return next((each for each in candidates if each not in (None, "") and _admits(schema, each)), None)

    def identifier(self, collection: str, pattern: str) -> str | None:
        """An id of a collection, `usr_01` of `users`."""
        found = self._ids.get(collection) or f"{collection[:3].lower()}_01"
        return found if collection and re.search(pattern, found) else None

    def resource(self, pattern: str) -> str:
        """A name of a resource's pattern, `users/usr_01`."""
        return re.sub(r"(\w+)/\{\w+\}", lambda m: f"{m[1]}/{self.identifier(m[1], '')}", pattern)

    def _resource(self, reference: str) -> str | None:
        pattern = self._patterns.get(reference)
        return self.resource(pattern) if pattern else None

    @cached_property
    def _patterns(self) -> dict[str, str]:
        return {resource.type: resource.patterns[0] for resource in self._contract.resources}

    @cached_property
    def _ids(self) -> dict[str, str]:
        """Collection → id, from the metadata of all reasons."""
        owners = ("common", *self._contract.processes)
        examples = (
            example
            for owner in owners
            for reason in self._contract.reasons(owner).values()
            for _, example in reason.metadata
        )
        found: dict[str, str] = {}
        for example in examples:
            for collection, identifier in re.findall(r"([a-z]\w*)/(\w+)", example):
                found.setdefault(collection, identifier)
        return found


def _admits(schema: dict[str, Any], value: Any) -> bool:
    """Whether the keywords that `scalars` writes admit the value."""
    if isinstance(value, str):
        fits = schema.get("type") == "string" and re.search(schema.get("pattern", ""), value) is not None
        long = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        return fits and long and value in schema.get("enum", [value])
    fits = schema.get("type") == "integer"
    return fits and schema.get("minimum", value) <= value <= schema.get("maximum", value)
