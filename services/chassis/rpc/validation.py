"""The request's shape, before any handler: the contract's rules, and that a REST path says what the message says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import unquote

import protovalidate
from google.protobuf.message import Message

from buf.validate import validate_pb2
from services.chassis.errors import FieldViolation, InvalidArgument, invalid_field
from services.chassis.rpc.middleware import Call, Handler, Method, Middleware
from trellis.policies import Binding

ORIGINAL_PATH = "x-envoy-original-path"
ORIGINAL_METHOD = "x-envoy-original-method"


def validated() -> Middleware:
    """Refuse requests that break a protovalidate rule, naming every field. Methods without rules pay nothing."""

    def around(handle: Handler, method: Method) -> Handler:
        if not method.policy.validated:
            return handle

        async def check(message: Message) -> None:
            if found := violations(message):
                raise invalid(found)

        async def handler(call: Call) -> Any:
            if method.streams_in:
                call.request.check(check)
            else:
                await check(call.request)
            return await handle(call)

        return handler

    return around


def violations(message: Message) -> list[FieldViolation]:
    """Return what breaks the contract's rules for a message, but not in items that the contract leaves to the service."""
    if found := protovalidate.collect_violations(message):
        return [_violation(v.proto) for v in found]
    if b"\0" in message.SerializeToString():
        return [FieldViolation(path, "must not contain NUL", "string.nul") for path in _with_nul(message)]
    return []


def invalid(found: list[FieldViolation]) -> InvalidArgument:
    """Return the error that names every field."""
    summary = "; ".join(f"{v.field}: {v.description}" for v in found)
    return InvalidArgument(f"The request is not valid: {summary}.", fields=found)


def bound_to_path() -> Middleware:
    """Refuse a REST request whose query or body says something else than its path.

    Envoy's transcoder lets `?name=` override a path variable. What the path says is matched again here; a forged header can
    only cause a refusal.
    """

    def around(handle: Handler, method: Method) -> Handler:
        bindings = [(b, re.compile(b.pattern)) for b in method.policy.bindings]

        async def handler(call: Call) -> Any:
            path = call.metadata.get(ORIGINAL_PATH)
            if path is not None:
                _check(call, path.partition("?")[0], bindings)
            return await handle(call)

        return handler

    return around


def _check(call: Call, path: str, bindings: list[tuple[Binding, re.Pattern[str]]]) -> None:
    verb = call.metadata.get(ORIGINAL_METHOD, "")
    for binding, pattern in bindings:
        matched = pattern.fullmatch(path.rstrip("/"))
        if matched is None or (verb and verb != binding.verb):
            continue
        for group, field in binding.fields:
            if unquote(matched[group]) != _value(call.request, field):
                raise invalid_field(field, "must be what the path says.", "path_mismatch")
        return
    raise InvalidArgument("The path does not belong to this method.")


def _value(message: Any, path: str) -> str:
    for part in path.split("."):
        message = getattr(message, part)
    return str(message)


def _with_nul(message: Message, before: str = "") -> Iterator[str]:
    """Yield the paths of texts that hold NUL: it is valid in protobuf and JSON, and no text in PostgreSQL can hold it."""
    for field, value in message.ListFields():
        if _left_alone(field):
            continue
        for item in _items(field, value):
            if isinstance(item, Message):
                yield from _with_nul(item, f"{before}{field.name}.")
            elif isinstance(item, str) and "\0" in item:
                yield f"{before}{field.name}"


def _left_alone(field: Any) -> bool:
    """Whether the contract leaves the items of a field to the service, which checks each for itself."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    return bool(rules.repeated.items.ignore == validate_pb2.IGNORE_ALWAYS)


def _items(field: Any, value: Any) -> Iterable[Any]:
    """Return every value of a field; of a map, its keys and what they stand for."""
    if not field.is_repeated:
        return [value]
    return chain(value.keys(), value.values()) if isinstance(value, Mapping) else value


def _violation(violation: Any) -> FieldViolation:
    path = ".".join(element.field_name for element in violation.field.elements)
    return FieldViolation(path, violation.message, violation.rule_id)
