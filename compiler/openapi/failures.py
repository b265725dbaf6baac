"""How operations fail, as responses: a status, every reason it may come with, and a body for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from compiler.answers import EDGE_DOMAIN, WAIT, Failure
from compiler.openapi.schemas import Schemas, Shape

Json = dict[str, Any]
REQUEST_ID_HEADER: Json = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
HEADERS: Json = {
    "X-Request-Id": {
        "description": "The id of this request; name it when you report a fault.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "How many seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
}


class Failures:
    """Responses, collected as they are referred to: operations that fail alike share them."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._components: dict[str, Json] = {}

    @property
    def components(self) -> dict[str, Json]:
        """What was referred to, by name."""
        return dict(sorted(self._components.items()))

    def responses(self, failures: Sequence[Failure]) -> Json:
        """A response for each status. `failures` are sorted by it."""
        return {
            str(status): self._reference(status, list(alike)) for status, alike in groupby(failures, key=lambda f: f.status)
        }

    def _reference(self, status: int, failures: list[Failure]) -> Json:
        owner = next((f.domain for f in failures if f.domain != EDGE_DOMAIN), EDGE_DOMAIN).removeprefix("trellis.")
        name = f"{owner.capitalize()}{status}" + "".join(_camel(failure.name) for failure in failures)
        self._components.setdefault(name, self._response(status, failures))
        return {"$ref": f"#/components/responses/{name}"}

    def _response(self, status: int, failures: list[Failure]) -> Json:
        wait = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}} if status in WAIT else {}
        examples = {f.name: {"summary": f.message, "value": f.example} for f in failures}
        lines = [f"- `{f.name}`: {f.reason.advice}" for f in failures]
        body = {"schema": self._schemas.message(Shape("google.rpc.Status")), "examples": examples}
        return {
            "description": "\n".join(lines),
            "headers": {**REQUEST_ID_HEADER, **wait},
            "content": {"application/json": body},
        }


def _camel(name: str) -> str:
    return re.sub(r"_?([A-Z])([A-Z0-9]*)", lambda match: match[1] + match[2].lower(), name)
