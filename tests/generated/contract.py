"""The contract as these tests read it: every RPC, resource and field, from the descriptors. No RPC is named here."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from google.api import annotations_pb2, field_behavior_pb2, resource_pb2
from google.protobuf import field_mask_pb2, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

import trellis.policies
from buf.validate import validate_pb2
from trellis.policies import POLICIES, Policy
from trellis.policy.v1 import policy_pb2

GENERATED = Path(trellis.policies.__file__).parents[1]
REQUEST_ID, VALIDATE_ONLY, UPDATE_MASK = "request_id", "validate_only", "update_mask"
_VARIABLE = re.compile(r"=([^}]*)\}")
PAGE_TOKEN, FILTER = "page_token", "filter"


@dataclass(frozen=True)
class Field:
    """One field of a message, with what the contract says of it."""

    descriptor: FieldDescriptor

    @property
    def name(self) -> str:
        return str(self.descriptor.name)

    @property
    def full_name(self) -> str:
        return str(self.descriptor.full_name)

    @property
    def repeated(self) -> bool:
        return bool(self.descriptor.is_repeated)

    @property
    def message(self) -> Descriptor | None:
        """The message that the field holds, if it holds one."""
        return self.descriptor.message_type

    @property
    def is_text(self) -> bool:
        return bool(self.descriptor.type == FieldDescriptor.TYPE_STRING)

    @cached_property
    def behaviors(self) -> frozenset[str]:
        """`REQUIRED`, `OUTPUT_ONLY`, `IDENTIFIER`, …"""
        numbers = self.descriptor.GetOptions().Extensions[field_behavior_pb2.field_behavior]
        return frozenset(field_behavior_pb2.FieldBehavior.Name(number) for number in numbers)

    @property
    def changeable(self) -> bool:
        """Whether an update may change it."""
        return not self.behaviors & {"OUTPUT_ONLY", "IDENTIFIER", "IMMUTABLE"} and self.name != "etag"

    @cached_property
    def rules(self) -> validate_pb2.FieldRules:
        """What protovalidate checks."""
        found: validate_pb2.FieldRules = self.descriptor.GetOptions().Extensions[validate_pb2.field]
        return found

    @property
    def secret(self) -> bool:
        return bool(self.descriptor.GetOptions().Extensions[policy_pb2.data_class] == policy_pb2.DATA_CLASS_SECRET)

    @property
    def holds_names(self) -> bool:
        """Whether the value names a resource, be it that only the pattern of its rules says so."""
        rules = self.rules.repeated.items if self.repeated else self.rules
        return self.is_text and bool(self.reference or re.search("(users|organizations)/", rules.string.pattern))

    def matches(self, value: str) -> bool:
        """Whether a value keeps the pattern of the field's rules."""
        rules = self.rules.repeated.items if self.repeated else self.rules
        return re.search(rules.string.pattern, value) is not None

    @cached_property
    def reference(self) -> str:
        """The type of the resource that the value names: for a parent of Xs, the parent's type."""
        reference = self.descriptor.GetOptions().Extensions[resource_pb2.resource_reference]
        if reference.child_type:
            return resources()[reference.child_type].parent
        if "IDENTIFIER" in self.behaviors:
            holder: Any = self.descriptor.containing_type
            return resource_of(holder)
        return str(reference.type)


@dataclass(frozen=True)
class Resource:
    """google.api.resource of a message."""

    type: str
    patterns: tuple[str, ...]

    @cached_property
    def parent(self) -> str:
        """The type that a name of this one begins with; empty at the top."""
        return above(self.patterns[0])

    def is_name(self, name: str) -> bool:
        """Whether a name is of this type."""
        return any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), name) for pattern in self.patterns)


@dataclass(frozen=True)
class Rpc:
    """One RPC."""

    descriptor: MethodDescriptor
    policy: Policy

    def __str__(self) -> str:
        return self.full_name.removeprefix("trellis.")

    @property
    def name(self) -> str:
        return str(self.descriptor.name)

    @property
    def full_name(self) -> str:
        return str(self.descriptor.full_name)

    @property
    def path(self) -> str:
        return self.policy.method

    @property
    def access(self) -> str:
        """`public`, `signed_in`, `permission` or `internal`."""
        return self.policy.access

    @property
    def mutates(self) -> bool:
        return self.policy.repeatable != "always"

    @property
    def streams_in(self) -> bool:
        return bool(self.descriptor.client_streaming)

    @property
    def streams_out(self) -> bool:
        return bool(self.descriptor.server_streaming)

    @cached_property
    def input(self) -> type[Message]:
        found: type[Message] = message_factory.GetMessageClass(self.descriptor.input_type)
        return found

    @cached_property
    def output(self) -> type[Message]:
        found: type[Message] = message_factory.GetMessageClass(self.descriptor.output_type)
        return found

    @cached_property
    def fields(self) -> dict[str, Field]:
        """The fields of the request."""
        return fields_of(self.descriptor.input_type)

    @cached_property
    def names(self) -> dict[str, Field]:
        """Every field that holds resource names, by its path in the request, nested and repeated ones too."""
        return {path: field for path, field in leaves(self.descriptor.input_type) if field.holds_names}

    @cached_property
    def needed_names(self) -> list[str]:
        """Those of `names` that every valid request has."""
        return [path for path in self.names if all(self.needs(field) for field in self._way(path))]

    def needs(self, field: Field) -> bool:
        """Whether a valid request sets a field, where it sets the message that the field is in."""
        changed = self.updates and self.body is not None and field.descriptor.containing_type is self.body.message
        if "OUTPUT_ONLY" in field.behaviors or (changed and "IMMUTABLE" in field.behaviors):
            return False
        if "IDENTIFIER" in field.behaviors:
            return changed
        return "REQUIRED" in field.behaviors or field.rules.required or field.rules.repeated.min_items > 0

    def _way(self, path: str) -> Iterator[Field]:
        """Yield every field that a path goes through."""
        message: Any = self.descriptor.input_type
        for name in path.split("."):
            field = fields_of(message)[name]
            yield field
            message = field.message

    @cached_property
    def body(self) -> Field | None:
        """The resource that a Create or Update brings along."""
        verb = re.match("Create|Update", self.name)
        kinds = [field for field in self.fields.values() if field.message is not None and resource_of(field.message)]
        return kinds[0] if verb and len(kinds) == 1 else None

    @property
    def updates(self) -> bool:
        mask = self.fields.get(UPDATE_MASK)
        return self.body is not None and mask is not None and mask.message is field_mask_pb2.FieldMask.DESCRIPTOR

    def serves(self, name: str) -> bool:
        """Whether a REST path of the RPC, if it has any, can say a name: a resource may have names of several kinds."""
        patterns = [
            found for rule in self.bindings for found in _VARIABLE.findall(getattr(rule, rule.WhichOneof("pattern")))
        ]
        return not patterns or any(re.fullmatch(pattern.replace("*", "[^/]+"), name) for pattern in patterns)

    @property
    def bindings(self) -> list[Any]:
        """Its REST bindings, as google.api.HttpRule."""
        rule = self.descriptor.GetOptions().Extensions[annotations_pb2.http]
        return [rule, *rule.additional_bindings] if rule.WhichOneof("pattern") else []


@cache
def rpcs() -> dict[str, Rpc]:
    """Return every RPC of the contract by its full name, as the descriptors have them."""
    found = {}
    for module in _modules():
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                policy = POLICIES[f"/{service.full_name}/{method.name}"]
                found[method.full_name] = Rpc(method, policy)
    return dict(sorted(found.items()))


@cache
def resources() -> dict[str, Resource]:
    """Return every resource of the contract by its type."""
    found = {}
    for module in _modules():
        for message in module.DESCRIPTOR.message_types_by_name.values():
            if kind := resource_of(message):
                option = message.GetOptions().Extensions[resource_pb2.resource]
                found[kind] = Resource(kind, tuple(option.pattern))
    return found


def above(pattern: str) -> str:
    """Return the type whose names stand before the last part of a pattern: of `users/{user}/preferences`, the user's."""
    before = pattern.rpartition("/")[0]
    before = before if before.endswith("}") else before.rpartition("/")[0]
    return next((each.type for each in resources().values() if before in each.patterns), "")


@cache
def creator(kind: str) -> Rpc | None:
    """Return the RPC that creates a resource: `Create…`, with the resource in its body."""
    return next((rpc for rpc in rpcs().values() if rpc.name.startswith("Create") and _brings(rpc, kind)), None)


def sibling(rpc: Rpc, name: str) -> Rpc | None:
    """Return another RPC of the same service."""
    return rpcs().get(f"{rpc.full_name.rpartition('.')[0]}.{name}")


def resource_of(message: Descriptor) -> str:
    """Return the type of the resource that a message is, or an empty text."""
    return str(message.GetOptions().Extensions[resource_pb2.resource].type)


def fields_of(message: Any) -> dict[str, Field]:
    """Return the fields of a message by name."""
    return {field.name: Field(field) for field in message.fields}


def leaves(message: Any, before: str = "", above: tuple[Descriptor, ...] = ()) -> Iterator[tuple[str, Field]]:
    """Yield every field that holds no message, by its path; messages of the contract are gone through, each once a path."""
    for name, field in fields_of(message).items():
        inner = field.message
        if inner is None:
            yield f"{before}{name}", field
        elif inner.full_name.startswith("trellis.") and inner not in above and not inner.GetOptions().map_entry:
            yield from leaves(inner, f"{before}{name}.", (*above, message))


def values_at(message: Message, path: str) -> Iterator[str]:
    """Yield what stands at a path, each item of repeated fields on the way."""
    name, _, rest = path.partition(".")
    found: Any = getattr(message, name)
    for each in found if message.DESCRIPTOR.fields_by_name[name].is_repeated else [found]:
        yield from values_at(each, rest) if rest else [each]


def _brings(rpc: Rpc, kind: str) -> bool:
    return rpc.body is not None and rpc.body.message is not None and resource_of(rpc.body.message) == kind


@cache
def _modules() -> list[Any]:
    paths = sorted((GENERATED / "trellis").rglob("*_pb2.py"))
    return [importlib.import_module(".".join(path.relative_to(GENERATED).with_suffix("").parts)) for path in paths]
