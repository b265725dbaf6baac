"""A request as its REST binding writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from google.protobuf import json_format
from google.protobuf.message import Message

_VARIABLE = re.compile(r"\{([a-z_.0-9]+)(?:=[^}]*)?\}")


def written(rule: Any, message: Message) -> tuple[str, str, bytes | None]:
    """Return verb, path with its query, and body of a request by a google.api.HttpRule."""
    verb = rule.WhichOneof("pattern")
    template = getattr(rule, verb)
    rest: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    path = _VARIABLE.sub(lambda found: quote(_taken(rest, found[1]), safe="/"), template)
    body = None
    if rule.body == "*":
        body, rest = json.dumps(rest).encode(), {}
    elif rule.body:
        body = json.dumps(rest.pop(rule.body, {})).encode()
    query = urlencode([*_flat(rest)])
    return verb.upper(), f"{path}?{query}" if query else path, body


def _taken(values: dict[str, Any], path: str) -> str:
    """Return what stands at a path, and take it away: it is said in the URL."""
    *outer, name = path.split(".")
    for part in outer:
        values = values[part]
    return str(values.pop(name))


def _flat(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield from ((f"{before}{name}", each) for each in (value if isinstance(value, list) else [value]))
