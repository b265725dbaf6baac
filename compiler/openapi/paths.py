"""Templates of google.api.http as OpenAPI paths: `/v1/{name=users/*}:revoke` is `/v1/users/{user}:revoke`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from compiler.model import Contract, Field, HttpBinding, Message, Rpc

_PART = re.compile(r"\{([\w.]+)(?:=([^{}]+))?\}")
_RULE = "string.pattern"


@dataclass(frozen=True, slots=True)
class PathParameter:
    """A variable segment of a path."""

    name: str
    collection: str
    """The segment before it, `users`; empty if there is none."""
    pattern: str
    """What a value must match."""
    field: str
    """The request's field that the segment is part of, `user.name`."""


class Paths:
    """Turns templates into paths, with the names and patterns that the contract gives its resources."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def expand(self, rpc: Rpc, binding: HttpBinding) -> tuple[str, list[PathParameter]]:
        """The path and its parameters."""
        parameters: list[PathParameter] = []

        def replaced(match: re.Match[str]) -> str:
            return "/".join(self._segments(rpc, match[1], match[2] or "*", parameters))

        return _PART.sub(replaced, binding.template), parameters

    def _segments(self, rpc: Rpc, path: str, pattern: str, parameters: list[PathParameter]) -> Iterator[str]:
        segments = pattern.split("/")
        rules = self._rules_of(rpc, path, segments)
        for number, segment in enumerate(segments):
            if segment not in ("*", "**"):
                yield segment
                continue
            collection = segments[number - 1] if number else ""
            name = self._name(collection, path, {parameter.name for parameter in parameters})
            rule = rules[number] or self._patterns.get(collection) or ("^[^/]+$" if segment == "*" else "^.+$")
            parameters.append(PathParameter(name, collection, rule, path))
            yield f"{{{name}}}"

    def _name(self, collection: str, path: str, taken: set[str]) -> str:
        """The name that the resource's pattern gives the variable after a collection, else its singular."""
        name = self._names.get(collection) or _singular(collection) or path.rpartition(".")[2]
        return next(each for each in (name, *(f"{name}_{n}" for n in range(2, 9))) if each not in taken)

    def _rules_of(self, rpc: Rpc, path: str, segments: list[str]) -> list[str]:
        field = _field(self._contract, self._contract.request(rpc), path)
        return _split(str(field.rules.get(_RULE, "")) if field else "", segments)

    @cached_property
    def _names(self) -> dict[str, str]:
        """Collection → variable, from the patterns of all resources."""
        patterns = (pattern for resource in self._contract.resources for pattern in resource.patterns)
        return {name: variable for pattern in patterns for name, variable in re.findall(r"(\w+)/\{(\w+)\}", pattern)}

    @cached_property
    def _patterns(self) -> dict[str, str]:
        """Collection → what its ids match, from the rules of all fields that name resources."""
        found: dict[str, str] = {}
        for message in self._contract.messages.values():
            for field in message.fields:
                parts = str(field.value_rules.get(_RULE, "")).removeprefix("^$|").strip("^$").split("/")
                if field.reference and len(parts) % 2 == 0:
                    for collection, identifier in zip(parts[::2], parts[1::2], strict=True):
                        if _whole(identifier):
                            found.setdefault(collection, f"^{identifier}$")
        return found


def _field(contract: Contract, message: Message, path: str) -> Field | None:
    return next((field for name, _, field in contract.walk(message) if name == path), None)


def _split(pattern: str, segments: list[str]) -> list[str]:
    """The pattern of each segment, where the pattern of the whole has the same literals; else empty texts."""
    parts = pattern.removeprefix("^$|").removeprefix("^").removesuffix("$").split("/")
    fits = (
        pattern
        and len(parts) == len(segments)
        and all(part == segment for part, segment in zip(parts, segments, strict=True) if segment != "*")
    )
    return [f"^{part}$" for part in parts] if fits else [""] * len(segments)


def _whole(part: str) -> bool:
    """Whether a part between slashes is a pattern by itself, not the piece of an alternative."""
    return bool(part) and part.count("(") == part.count(")")


def _singular(collection: str) -> str:
    word = re.sub(r"ies$", "y", collection) if collection.endswith("ies") else re.sub(r"(?<!s)s$", "", collection)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower()
