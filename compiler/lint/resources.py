"""Rules about resources, the names that point to them, and events about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict

from compiler.lint.finding import Problem, Rule, rule
from compiler.model import Contract, Field, Message

DOMAIN = "trellis.dev/"
ANY = "*"
"""What a field refers to that may name a resource of any type (AIP-4231)."""
_CRITERIA = ("subject", "organization", "session", "api_key")
_HOLDERS = ("name", "parent", "names")
_SEGMENTS = re.compile(r"[a-z][A-Za-z]*/\{[a-z_]+\}(/[a-z][A-Za-z]*/\{[a-z_]+\})*(/[a-z][A-Za-z]*)?")
"""Collections and ids in turn; the last may be a singleton without an id (AIP-156)."""


@rule("resource")
def annotated(contract: Contract) -> Iterator[Problem]:
    """A resource has a type, a pattern, both numbers and an identifier (AIP-122, 123)."""
    for message in _resources(contract):
        resource, name = message.resource, message.field("name")
        assert resource is not None
        if not resource.type.startswith(DOMAIN):
            yield message.place, message.name, f"let the resource type begin with {DOMAIN}"
        if not resource.patterns or not all(map(_SEGMENTS.fullmatch, resource.patterns)):
            yield message.place, message.name, "give the resource a pattern such as users/{user}"
        if not (resource.singular and resource.plural):
            yield message.place, message.name, "give the resource its singular and its plural"
        if name is None or "IDENTIFIER" not in name.behaviors:
            yield message.place, message.name, "add `string name` with field_behavior IDENTIFIER"


@rule("resource-unannotated")
def unannotated(contract: Contract) -> Iterator[Problem]:
    """What the standard methods answer with is a resource."""
    for rpc in contract.rpcs:
        answer = contract.messages.get(rpc.output)
        method = re.match(r"(Get|Create|Update|Undelete)", rpc.name)
        if not method or answer is None or answer.resource or rpc.policy.access == "internal":
            continue
        if rpc.name == method[0] + answer.name.rpartition(".")[2]:
            yield answer.place, answer.name, "add google.api.resource: a standard method answers with it"


@rule("resource-reference")
def reference(contract: Contract) -> Iterator[Problem]:
    """The organization check reads resource names, so it must know every field that holds one."""
    resources = [*(message.resource for message in _resources(contract) if message.resource), *contract.definitions]
    known = {resource.type for resource in resources}
    singulars = {resource.singular for resource in resources}
    for rpc in contract.rpcs:
        request = contract.request(rpc)
        for field in request.fields:
            holds = field.name in _HOLDERS or field.name in singulars
            if field.type == "string" and holds and not field.reference:
                yield _at(request, field, "add google.api.resource_reference")
    for message in contract.messages.values():
        for field in message.fields:
            if field.reference and field.reference not in {*known, ANY}:
                yield _at(message, field, f"refer to a resource of the contract, not {field.reference!r}")


@rule("resource-pattern")
def pattern(contract: Contract) -> Iterator[Problem]:
    """A name that cannot exist is refused before anybody looks for it."""
    for rpc in contract.rpcs:
        request = contract.request(rpc)
        for field in request.fields:
            if field.reference and not str(field.value_rules.get("string.pattern", "")).endswith("$"):
                yield _at(request, field, "add a string.pattern that is anchored on both sides")


@rule("event")
def event(contract: Contract) -> Iterator[Problem]:
    """Topics follow from names; the key is a field (order is kept per key)."""
    for message in contract.messages.values():
        if message.event is None:
            continue
        _, process, version, name = message.name.split(".")
        topic = f"{process}.{version}.{_snake(name)}"
        if message.event.topic != topic:
            yield message.place, message.name, f"name the topic {topic}"
        key = message.field(message.event.key)
        if key is None or key.type != "string" or key.repeated:
            yield message.place, message.name, "let `key` name a string field of the event"


@rule("event-revokes")
def revokes(contract: Contract) -> Iterator[Problem]:
    """What ends tokens says whose, by fields that exist: a wrong name would end nobody's."""
    for message in contract.messages.values():
        if message.event is None or message.event.revokes is None:
            continue
        named = asdict(message.event.revokes)
        if not any(named[criterion] for criterion in _CRITERIA):
            yield message.place, message.name, f"let `revokes` name one of {', '.join(_CRITERIA)}"
        for criterion, name in named.items():
            kind = "google.protobuf.Timestamp" if criterion == "time" else "string"
            field = message.field(name)
            if name and (field is None or field.type != kind or field.repeated):
                yield message.place, message.name, f"let `revokes.{criterion}` name a {kind} field of the event"


def _resources(contract: Contract) -> Iterator[Message]:
    return (message for message in contract.messages.values() if message.resource)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _at(message: Message, field: Field, cure: str) -> Problem:
    return field.place, f"{message.name}.{field.name}", cure


RULES: tuple[Rule, ...] = (annotated, unannotated, reference, pattern, event, revokes)
