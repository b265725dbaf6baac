"""From a descriptor set to the model.

The set is read in a descriptor pool of its own, so the options need no generated code: the first generation of a new
option works like every later one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from compiler.http_template import compile_template
from compiler.model import (
    Bucket,
    Contract,
    Enum,
    EnumValue,
    Event,
    Field,
    GuessLimit,
    HttpBinding,
    Message,
    Oneof,
    Place,
    Policy,
    RateLimit,
    Reason,
    Resource,
    Revokes,
    Rpc,
    Service,
    Variable,
)

PACKAGE = "trellis."
"""Full names of the contract begin with this; everything else in the set is an import."""
FieldProto = descriptor_pb2.FieldDescriptorProto
_MESSAGE_TYPE, _NESTED_TYPE, _ENUM_TYPE, _NESTED_ENUM, _SERVICE = (4,), (3,), (5,), (4,), (6,)
_FIELD, _VALUE, _METHOD = (2,), (2,), (2,)
_TOOLS = ("google.api", "google.protobuf", "buf.validate")
"""Packages of imports that describe contracts or have a JSON form of their own: their messages are no data."""
_BEFORE_ITEM = re.compile(r"\n(?=\s*(?:[-*]|\d+\.)\s)")
Path = tuple[int, ...]


def read(image: bytes) -> Contract:
    """Read a serialized FileDescriptorSet with its imports and, for comments and lines, its source info."""
    files = descriptor_pb2.FileDescriptorSet.FromString(image).file
    options = _Options(files)
    readers = [_FileReader(file, options) for file in files if file.package.startswith(PACKAGE)]
    others = [file for file in files if not file.package.startswith(PACKAGE) and file.package not in _TOOLS]
    imported = [_FileReader(file, options) for file in others]
    return Contract(
        services=tuple(service for reader in readers for service in reader.services()),
        messages={message.name: message for reader in readers for message in reader.messages()},
        enums={enum.name: enum for reader in readers for enum in reader.enums()},
        definitions=tuple(resource for reader in readers for resource in reader.definitions()),
        imported={message.name: message for reader in imported for message in reader.messages()},
    )


class _Options:
    """Custom options of the set's elements, decoded with the set's own definitions."""

    def __init__(self, files: Any) -> None:
        self._pool = descriptor_pool.DescriptorPool()
        for file in files:
            self._pool.AddSerializedFile(file.SerializeToString())
        message_factory.GetMessageClassesForFiles([file.name for file in files], self._pool)

    def get(self, options: Any, extension: str) -> Any:
        """The value of an extension of an options message; None if it is not set."""
        try:
            descriptor: Any = self._pool.FindExtensionByName(extension)
        except KeyError:
            return None
        kind = message_factory.GetMessageClass(descriptor.containing_type)
        decoded = kind.FromString(options.SerializeToString())
        value = decoded.Extensions[descriptor]
        return value if descriptor.is_repeated or decoded.HasExtension(descriptor) else None

    def enum_names(self, enum: str) -> dict[int, str]:
        """Number → name without the prefix that all values share."""
        values = self._pool.FindEnumTypeByName(enum).values
        prefix = _prefix(enum)
        return {value.number: value.name.removeprefix(prefix) for value in values}


class _FileReader:
    """One file of the contract."""

    def __init__(self, file: descriptor_pb2.FileDescriptorProto, options: _Options) -> None:
        self._file, self._options = file, options
        self._locations = {tuple(location.path): location for location in file.source_code_info.location}

    def services(self) -> Iterator[Service]:
        for number, service in enumerate(self._file.service):
            path, name = (*_SERVICE, number), f"{self._file.package}.{service.name}"
            rpcs = tuple(self._rpc(rpc, name, (*path, *_METHOD, i)) for i, rpc in enumerate(service.method))
            yield Service(name, self._place(path), rpcs)

    def messages(self) -> Iterator[Message]:
        for message, name, path in self._all_messages():
            if not message.options.map_entry:
                yield self._message(message, name, path)

    def enums(self) -> Iterator[Enum]:
        for number, enum in enumerate(self._file.enum_type):
            yield self._enum(enum, self._file.package, (*_ENUM_TYPE, number))
        for message, name, path in self._all_messages():
            for number, enum in enumerate(message.enum_type):
                yield self._enum(enum, name, (*path, *_NESTED_ENUM, number))

    def definitions(self) -> Iterator[Resource]:
        for resource in self._options.get(self._file.options, "google.api.resource_definition") or ():
            yield Resource(resource.type, tuple(resource.pattern), resource.singular, resource.plural)

    def _all_messages(self) -> Iterator[tuple[descriptor_pb2.DescriptorProto, str, Path]]:
        waiting: list[tuple[descriptor_pb2.DescriptorProto, str, Path]]
        waiting = [(m, self._file.package, (*_MESSAGE_TYPE, i)) for i, m in enumerate(self._file.message_type)]
        while waiting:
            message, scope, path = waiting.pop(0)
            name = f"{scope}.{message.name}"
            yield message, name, path
            waiting += [(m, name, (*path, *_NESTED_TYPE, i)) for i, m in enumerate(message.nested_type)]

    def _place(self, path: Path) -> Place:
        location = self._locations.get(path)
        if location is None:
            return Place(self._file.name, 0, "")
        return Place(self._file.name, location.span[0] + 1, _unwrap(location.leading_comments))

    def _rpc(self, rpc: descriptor_pb2.MethodDescriptorProto, service: str, path: Path) -> Rpc:
        http = self._options.get(rpc.options, "google.api.http")
        operation = self._options.get(rpc.options, "google.longrunning.operation_info")
        return Rpc(
            name=rpc.name,
            service=service,
            input=rpc.input_type[1:],
            output=rpc.output_type[1:],
            client_streaming=rpc.client_streaming,
            server_streaming=rpc.server_streaming,
            no_side_effects=rpc.options.idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS,
            place=self._place(path),
            bindings=tuple(_binding(rule) for rule in (http, *http.additional_bindings)) if http else (),
            policy=self._policy(self._options.get(rpc.options, "trellis.policy.v1.method")),
            deprecated=rpc.options.deprecated,
            operation=(operation.response_type, operation.metadata_type) if operation else ("", ""),
        )

    def _policy(self, policy: Any) -> Policy:
        if policy is None:
            return Policy("", "", "", (), (), 0, "", None, 0, 0, audited=False, reasons=())
        access = policy.WhichOneof("access") or ""
        roles = self._options.enum_names("trellis.policy.v1.PredefinedRole")
        return Policy(
            access=access if access and getattr(policy, access) else "",
            permission=policy.permission,
            permission_for_others=policy.permission_for_others,
            granted_to=tuple(roles[role].lower() for role in policy.granted_to),
            callers=tuple(policy.internal.callers),
            timeout_s=_seconds(policy.timeout),
            repeatable=self._known("trellis.policy.v1.Repeatable", policy.repeatable).lower(),
            rate_limit=self._rate_limit(policy.rate_limit) if policy.HasField("rate_limit") else None,
            slo_latency_ms=policy.slo.latency_ms,
            slo_success=policy.slo.success,
            audited=policy.audited,
            reasons=tuple(policy.reasons),
            api_keys=policy.api_keys,
            guesses=_guess_limit(policy.guesses) if policy.HasField("guesses") else None,
        )

    def _rate_limit(self, limit: Any) -> RateLimit:
        key = self._known("trellis.policy.v1.RateLimit.Key", limit.key).lower()
        return RateLimit(key, limit.burst, limit.refill, _seconds(limit.per))

    def _known(self, enum: str, number: int) -> str:
        """The value's name; empty for the zero value."""
        return self._options.enum_names(enum)[number] if number else ""

    def _message(self, message: descriptor_pb2.DescriptorProto, name: str, path: Path) -> Message:
        resource = self._options.get(message.options, "google.api.resource")
        event = self._options.get(message.options, "trellis.policy.v1.event")
        return Message(
            name=name,
            place=self._place(path),
            fields=tuple(self._field(field, message, (*path, *_FIELD, i)) for i, field in enumerate(message.field)),
            resource=resource and Resource(resource.type, tuple(resource.pattern), resource.singular, resource.plural),
            event=event and Event(event.topic, event.key, _revokes(event)),
            has_rules=self._options.get(message.options, "buf.validate.message") is not None,
            oneofs=tuple(self._oneofs(message)),
        )

    def _oneofs(self, message: descriptor_pb2.DescriptorProto) -> Iterator[Oneof]:
        for number, oneof in enumerate(message.oneof_decl):
            if any(f.HasField("oneof_index") and f.oneof_index == number and not f.proto3_optional for f in message.field):
                rules = self._options.get(oneof.options, "buf.validate.oneof")
                yield Oneof(oneof.name, bool(rules and rules.required))

    def _field(self, field: FieldProto, message: descriptor_pb2.DescriptorProto, path: Path) -> Field:
        options = field.options
        info = self._options.get(options, "google.api.field_info")
        chosen = field.HasField("oneof_index") and not field.proto3_optional
        reference = self._options.get(options, "google.api.resource_reference")
        rules = self._options.get(options, "buf.validate.field")
        behaviors = self._options.enum_names("google.api.FieldBehavior")
        return Field(
            name=field.name,
            type=_type(field),
            repeated=field.label == FieldProto.LABEL_REPEATED,
            place=self._place(path),
            behaviors=tuple(behaviors[b] for b in self._options.get(options, "google.api.field_behavior") or ()),
            data_class=self._known(
                "trellis.policy.v1.DataClass", self._options.get(options, "trellis.policy.v1.data_class") or 0
            ),
            reference=(reference.type or reference.child_type) if reference else "",
            rules=dict(_flat(rules, "")) if rules else {},
            json_name=field.json_name,
            oneof=message.oneof_decl[field.oneof_index].name if chosen else "",
            optional=field.proto3_optional,
            format=self._known("google.api.FieldInfo.Format", info.format) if info else "",
            deprecated=options.deprecated,
            map_types=_map_types(field, message),
        )

    def _enum(self, enum: descriptor_pb2.EnumDescriptorProto, scope: str, path: Path) -> Enum:
        name = f"{scope}.{enum.name}"
        values = tuple(
            EnumValue(value.name, value.number, self._place((*path, *_VALUE, i)), self._reason(value))
            for i, value in enumerate(enum.value)
        )
        return Enum(name, self._place(path), values, _prefix(name))

    def _reason(self, value: descriptor_pb2.EnumValueDescriptorProto) -> Reason | None:
        reason = self._options.get(value.options, "trellis.policy.v1.reason")
        if reason is None:
            return None
        return Reason(reason.code, reason.message, tuple(sorted(reason.metadata.items())), reason.advice)


def _type(field: FieldProto) -> str:
    return field.type_name[1:] or FieldProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def _map_types(field: FieldProto, message: descriptor_pb2.DescriptorProto) -> tuple[str, str]:
    """Types of key and value, which stand in an entry message that the compiler of protos makes."""
    short = field.type_name.rpartition(".")[2]
    for entry in message.nested_type:
        if entry.name == short and entry.options.map_entry:
            return _type(entry.field[0]), _type(entry.field[1])
    return "", ""


def _binding(rule: Any) -> HttpBinding:
    pattern = rule.WhichOneof("pattern")
    custom = pattern == "custom"
    template = rule.custom.path if custom else getattr(rule, pattern)
    regex, variables = compile_template(template)
    return HttpBinding(
        verb=rule.custom.kind if custom else pattern.upper(),
        template=template,
        body=rule.body,
        regex=regex,
        variables=tuple(Variable(field, group) for field, group in variables),
        response_body=rule.response_body,
    )


def _guess_limit(limit: Any) -> GuessLimit:
    return GuessLimit(
        reasons=tuple(limit.reasons),
        field=limit.field,
        by_address=_bucket(limit, "by_address"),
        by_address_and_account=_bucket(limit, "by_address_and_account"),
        by_strangers=_bucket(limit, "by_strangers"),
        consecutive=limit.consecutive,
    )


def _bucket(limit: Any, name: str) -> Bucket | None:
    if not limit.HasField(name):
        return None
    bucket = getattr(limit, name)
    return Bucket(bucket.burst, bucket.refill, _seconds(bucket.per))


def _revokes(event: Any) -> Revokes | None:
    if not event.HasField("revokes"):
        return None
    return Revokes(**{field.name: getattr(event.revokes, field.name) for field in event.revokes.DESCRIPTOR.fields})


def _flat(message: Any, prefix: str) -> Iterator[tuple[str, object]]:
    """The set fields of a rules message as dotted names."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE and not field.is_repeated:
            yield from _flat(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, value


def _seconds(duration: Any) -> float:
    return float(duration.seconds + duration.nanos / 1e9)


def _prefix(enum: str) -> str:
    """`ERROR_REASON_` of `trellis.auth.v1.ErrorReason`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.rpartition(".")[2]).upper() + "_"


def _unwrap(comment: str) -> str:
    """A comment as its paragraphs, each on one line; the items of a list stay on lines of their own."""
    paragraphs = re.split(r"\n\s*\n", comment.strip())
    return "\n\n".join("\n".join(map(_joined, _BEFORE_ITEM.split(paragraph))) for paragraph in paragraphs)


def _joined(text: str) -> str:
    return " ".join(text.split())
