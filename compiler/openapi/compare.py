"""What a newer OpenAPI document breaks for callers who know the older one. Adding is fine; taking away, narrowing is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
_UPPER = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
_LOWER = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
_KIND = ("type", "format", "contentEncoding")


def breaks(old: Json, new: Json) -> list[str]:
    """A line for each promise of `old` that `new` does not keep, naming the operation and the field."""
    return [*dict.fromkeys(_Comparison(old, new).operations())]


class _Comparison:
    def __init__(self, old: Json, new: Json) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str, str]] = set()

    def operations(self) -> Iterator[str]:
        for path, verbs in self._old["paths"].items():
            for verb, old in verbs.items():
                where = f"{verb.upper()} {path}"
                new = self._new["paths"].get(path, {}).get(verb)
                yield from self._operation(where, old, new) if new else [self._gone(where, path, verb, old)]

    def _gone(self, where: str, path: str, verb: str, old: Json) -> str:
        for other, verbs in self._new["paths"].items():
            now = verbs.get(verb)
            if now and (_shape(other) == _shape(path) or now["operationId"] == old["operationId"]):
                return f"{where}: the path became {other}"
        return f"{where}: removed"

    def _operation(self, where: str, old: Json, new: Json) -> Iterator[str]:
        self._seen.clear()  # a fault of a shared schema is named with every operation it breaks
        yield from self._parameters(where, old, new)
        yield from self._request(where, old.get("requestBody"), new.get("requestBody"))
        for status, answer in old["responses"].items():
            if status.startswith("2"):
                yield from self._answer(f"{where}: {status}", answer, new["responses"].get(status))

    def _parameters(self, where: str, old: Json, new: Json) -> Iterator[str]:
        before, after = ({(p["in"], p["name"]): p for p in each.get("parameters", ())} for each in (old, new))
        for (place, name), parameter in before.items():
            if (place, name) not in after:
                yield f"{where}: {place} parameter {name}: removed"
            else:
                there = f"{where}: {place} parameter {name}"
                yield from self._schema(there, parameter["schema"], after[place, name]["schema"], "request")
        for (place, name), parameter in after.items():
            if parameter.get("required") and not before.get((place, name), {}).get("required"):
                yield f"{where}: {place} parameter {name}: newly required"

    def _request(self, where: str, old: Json | None, new: Json | None) -> Iterator[str]:
        if old and not new:
            yield f"{where}: the body was removed"
        elif new and not old:
            yield f"{where}: a body is newly required"
        elif old and new:
            yield from self._contents(f"{where}: body", old, new, "request")

    def _answer(self, where: str, old: Json, new: Json | None) -> Iterator[str]:
        if new is None:
            yield f"{where}: the status was removed"
        else:
            yield from self._contents(where, old, new, "response")

    def _contents(self, where: str, old: Json, new: Json, way: str) -> Iterator[str]:
        for kind, content in old.get("content", {}).items():
            if kind not in new.get("content", {}):
                yield f"{where}: content type {kind}: removed"
            else:
                yield from self._schema(where, content["schema"], new["content"][kind]["schema"], way)

    def _schema(self, where: str, old: Json, new: Json, way: str) -> Iterator[str]:
        pair = (old.get("$ref", ""), new.get("$ref", ""), way)
        if all(pair):
            if pair in self._seen:
                return
            self._seen.add(pair)
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        yield from _value(where, old, new, way)
        for name, inner in old.get("properties", {}).items():
            if name not in new.get("properties", {}):
                yield f"{where}: field {name}: removed"
            else:
                yield from self._schema(f"{where}.{name}", inner, new["properties"][name], way)
        for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
            if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
                yield from self._schema(where + mark, old[keyword], new[keyword], way)


def _value(where: str, old: Json, new: Json, way: str) -> Iterator[str]:
    """What became of one value, its inner ones aside."""
    for keyword in _KIND:
        if old.get(keyword) != new.get(keyword) and (way == "response" or new.get(keyword)):
            yield f"{where}: {keyword} {old.get(keyword)} became {new.get(keyword)}"
    if "enum" in old:
        kept = new["enum"] if "enum" in new else old["enum"]
        for value in (each for each in old["enum"] if each not in kept):
            yield f"{where}: value {value}: removed"
    if way == "response":
        return
    if "enum" in new and "enum" not in old:
        yield f"{where}: only some values are taken now"
    if new.get("pattern") and new["pattern"] != old.get("pattern"):
        yield f"{where}: pattern {old.get('pattern')} became {new['pattern']}"
    for name in sorted({*new.get("required", ())} - {*old.get("required", ())}):
        yield f"{where}: field {name}: newly required"
    for keyword in (*_UPPER, *_LOWER):
        if keyword in new and _narrower(keyword, old.get(keyword), new[keyword]):
            yield f"{where}: {keyword} {old.get(keyword)} became {new[keyword]}"


def _narrower(keyword: str, old: float | None, new: float) -> bool:
    return old is None or (new < old if keyword in _UPPER else new > old)


def _resolved(document: Json, schema: Json) -> Json:
    """The schema with what it refers to; `allOf` holds one reference where siblings would be lost."""
    for reference in [schema.get("$ref"), *(each.get("$ref") for each in schema.get("allOf", ()))]:
        if reference:
            return {**document["components"]["schemas"][reference.rpartition("/")[2]], **schema}
    return schema


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)
