"""Makes a valid request for any RPC, with everything that it names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import protovalidate
from google.protobuf.descriptor import OneofDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from tests.generated import values
from tests.generated.answers import Answer
from tests.generated.contract import (
    REQUEST_ID,
    UPDATE_MASK,
    VALIDATE_ONLY,
    Field,
    Rpc,
    above,
    creator,
    fields_of,
    leaves,
    resources,
    rpcs,
    sibling,
)
from tests.generated.recipes import ANOTHER, BEFORE, FIELDS, NAMED, RESOURCES, UNDONE_FIRST, WANTED
from tests.generated.world import Metadata, Scope, World, bearer

USER = "trellis.dev/User"


class RecipeMissing(Exception):
    """The contract alone does not say how a valid request is made; the message says which line would."""


@dataclass(frozen=True)
class Requests:
    """Makes requests, and the resources they name by the Create RPC of their type."""

    world: World

    def fresh_scope(self, rpc: Rpc) -> Scope:
        """Return where a case may change everything: an organization of its own and, if the caller may end, a caller."""
        world = self.world
        alone = _may_end_its_caller(rpc) or _is_of_a_limited_service(rpc)
        caller = world.person("case") if alone else world.founder
        return world.scope(caller, "case") if _is_in_an_organization(rpc) else world.alone(caller, "case")

    def valid(self, rpc: Rpc, scope: Scope) -> list[Message]:
        """Return a request that the RPC serves, with a new `request_id`; more than one message if the client streams."""
        if not scope.shared:
            self._prepare(rpc, scope)
        messages = [self._message(rpc, scope, choice) for choice in _choices(rpc)]
        for message in messages:
            if REQUEST_ID in rpc.fields:
                setattr(message, REQUEST_ID, str(uuid.uuid4()))
            _check(rpc, message)
        return messages

    def credentials(self, rpc: Rpc, scope: Scope) -> Metadata:
        """Return what makes the call the right caller's."""
        if rpc.access == "public":
            return ()
        if rpc.access == "internal":
            return bearer(self.world.service_token(rpc.policy.callers[0]))
        return bearer(scope.token)

    def served(self, rpc: Rpc, scope: Scope) -> Answer:
        """Make a valid call."""
        return self.world.call(rpc, self.valid(rpc, scope), self.credentials(rpc, scope))

    def made(self, kind: str, scope: Scope) -> str:
        """Let the scope have another resource of a type, and return its name. Raises RecipeMissing."""
        if kind in RESOURCES:
            return str(RESOURCES[kind](self.world, scope))
        create = creator(kind)
        if create is None:
            raise RecipeMissing(f'no RPC creates {kind}: add "{kind}" to RESOURCES in tests/generated/recipes.py')
        answer = self.served(create, scope)
        if answer.code.name == "ALREADY_EXISTS" and kind in scope.made:  # one of its kind is all there can be
            return scope.made[kind][-1]
        if not answer.ok:
            raise RecipeMissing(f"{create} refuses what should be valid: {answer.words}")
        name = str(create.output.FromString(answer.messages[0]).name)  # type: ignore[attr-defined]
        scope.made.setdefault(kind, []).append(name)
        return name

    def existing(self, kind: str, scope: Scope) -> str:
        """Return the name of a resource of a type that the scope has."""
        return scope.made[kind][-1] if kind in scope.made else self.made(kind, scope)

    def _name(self, field: Field, rpc: Rpc, scope: Scope) -> str:
        """Return the name of something that exists and that the field may name."""
        kind = resources().get(field.reference)
        if kind is None and field.reference in RESOURCES:
            return self.existing(field.reference, scope)
        if kind is None:  # of any type: the pattern says which
            return next(name for name in scope.names if field.matches(name))
        singletons = [pattern for pattern in kind.patterns if not pattern.endswith("}")]
        if not singletons:
            return self.made(kind.type, scope) if field.full_name in ANOTHER else self.existing(kind.type, scope)
        pattern = next(each for each in singletons if field.matches(_example(each)) and rpc.serves(_example(each)))
        return f"{self.existing(above(pattern), scope)}/{pattern.rpartition('/')[2]}"

    def _prepare(self, rpc: Rpc, scope: Scope) -> None:
        """Bring about what the verb undoes."""
        for verb, prepare in BEFORE.items():
            if rpc.name.startswith(verb):
                prepare(self.world, scope)
        for verb, before in UNDONE_FIRST.items():
            other = sibling(rpc, rpc.name.replace(verb, before)) if rpc.name.startswith(verb) else None
            if other is not None and not (answer := self.served(other, scope)).ok:
                raise RecipeMissing(f"{other} must come before {rpc}, and is refused: {answer.words}")
            scope.renew()

    def _message(self, rpc: Rpc, scope: Scope, choice: str) -> Message:
        message = rpc.input()
        self._fill(message, rpc, scope, choice)
        if rpc.updates and rpc.body is not None:
            getattr(message, UPDATE_MASK).paths.extend(self._change(getattr(message, rpc.body.name), rpc, scope))
        return message

    def _fill(self, message: Message, rpc: Rpc, scope: Scope, choice: str = "") -> None:
        """Set every field that must be set."""
        for field in fields_of(message.DESCRIPTOR).values():
            needed = field.full_name in WANTED or (rpc.needs(field) and not _is_optional_choice(field))
            if field.name == choice or needed:
                self._set(message, field, rpc, scope)

    def _set(self, message: Message, field: Field, rpc: Rpc, scope: Scope) -> None:
        inner = field.message
        if inner is not None and inner.full_name.startswith("trellis.") and field.full_name not in FIELDS:
            place = getattr(message, field.name)
            nested = place.add() if field.repeated else place
            nested.SetInParent()
            self._fill(nested, rpc, scope)
            return
        found = self._value(field, rpc, scope)
        if field.repeated:
            getattr(message, field.name).extend([found])
        elif inner is not None:
            getattr(message, field.name).CopyFrom(found)
        else:
            setattr(message, field.name, found)

    def _value(self, field: Field, rpc: Rpc, scope: Scope) -> Any:
        if field.full_name in FIELDS:
            return FIELDS[field.full_name](self.world, scope)
        if field.name in NAMED:
            return NAMED[field.name](self.world, scope)
        if field.holds_names:
            return self._name(field, rpc, scope)
        found = values.value(field, scope.mark)
        if found is None:
            raise RecipeMissing(_line(rpc, field.full_name, "its type says nothing about its value"))
        return found

    def _change(self, resource: Message, rpc: Rpc, scope: Scope) -> list[str]:
        """Return the fields that an update changes: those that are set, or else the first that can be."""
        fields = [field for field in fields_of(resource.DESCRIPTOR).values() if field.changeable]
        present = [field.name for field, _ in resource.ListFields()]
        if not any(field.name in present for field in fields):
            self._set(resource, fields[0], rpc, scope)
            present.append(fields[0].name)
        return [field.name for field in fields if field.name in present]


def altered(rpc: Rpc, messages: Sequence[Message]) -> list[Message]:
    """Return another request of the same caller about the same resources: another text or, if it has none, a rehearsal."""
    others = [deepcopy(message) for message in messages]
    for path, field in leaves(rpc.descriptor.input_type):
        *outer, name = path.split(".")
        place: Any = others[0]
        for part in outer:
            place = _first(getattr(place, part, None))
        if _is_plain_text(field) and isinstance(place, Message) and getattr(place, name):
            setattr(place, name, values.text(field.rules.string, "other"))
            return others
    for other in others:
        setattr(other, VALIDATE_ONLY, not getattr(other, VALIDATE_ONLY))
    return others


def _first(place: Any) -> Any:
    """Return a message, or the first of several; where there is none, none."""
    return place if isinstance(place, Message) else next(iter(place or ()), None)


def renamed(rpc: Rpc, messages: Sequence[Message]) -> list[Message]:
    """Return the request with names of the same shape that nothing bears."""
    others = [deepcopy(message) for message in messages]
    for other in others:
        for path in rpc.names:
            rename_at(other, path, unknown)
    return others


def set_at(message: Any, path: str, value: str) -> None:
    """Set the text at a path; where several stand there, add it to them."""
    name, _, rest = path.partition(".")
    found = getattr(message, name)
    if rest and message.DESCRIPTOR.fields_by_name[name].is_repeated:
        set_at(found[-1] if found else found.add(), rest, value)
    elif rest:
        set_at(found, rest, value)
    elif message.DESCRIPTOR.fields_by_name[name].is_repeated:
        found.append(value)
    else:
        setattr(message, name, value)


def rename_at(message: Any, path: str, change: Any) -> None:
    """Replace every name at a path; where there is none, nothing happens."""
    name, _, rest = path.partition(".")
    found = getattr(message, name)
    if rest:
        for each in [found] if isinstance(found, Message) else found:
            rename_at(each, rest, change)
    elif isinstance(found, str):
        if found:
            setattr(message, name, change(found))
    else:
        found[:] = [change(each) for each in found]


def unknown(name: str) -> str:
    """Return a name of the same shape that nothing bears. `users/me` stays: it is a word, not an id."""
    parts = name.split("/")
    ids = [_unknown_id(part) if place % 2 else part for place, part in enumerate(parts)]
    return "/".join(ids)


def _unknown_id(part: str) -> str:
    prefix, separator, _ = part.partition("_")
    return f"{prefix}{separator}{uuid.uuid4().hex[:26]}" if separator else part


def _is_optional_choice(field: Field) -> bool:
    """Whether the field is one alternative of several: `_choices` takes one at a time."""
    return _choice_of(field) is not None


def _choice_of(field: Field) -> OneofDescriptor | None:
    oneof = field.descriptor.containing_oneof
    return oneof if oneof is not None and not oneof.name.startswith("_") else None


def _choices(rpc: Rpc) -> list[str]:
    """Return the alternatives that are sent, one a message: the first; if the client streams, one after the other."""
    needed = [
        oneof for oneof in rpc.descriptor.input_type.oneofs if oneof.GetOptions().Extensions[validate_pb2.oneof].required
    ]
    names = [field.name for oneof in needed for field in oneof.fields]
    return (names if rpc.streams_in else names[:1]) or [""]


def _is_plain_text(field: Field) -> bool:
    rules = field.rules.string
    plain = (
        field.is_text and not field.repeated and not field.holds_names and not field.secret and field.full_name not in FIELDS
    )
    return plain and not rules.WhichOneof("well_known") and not rules.pattern and field.name not in (REQUEST_ID, "etag")


def _may_end_its_caller(rpc: Rpc) -> bool:
    """Whether the caller itself, or its session, is what the RPC is about."""
    if not rpc.mutates or rpc.access == "internal":
        return False
    return rpc.access in ("signed_in", "public") or any(
        field.reference == USER for path, field in rpc.names.items() if "." not in path
    )


def _is_of_a_limited_service(rpc: Rpc) -> bool:
    """Whether a caller meets a limit somewhere: each case has a caller of its own then."""
    service = rpc.full_name.rpartition(".")[0]
    return any(each.policy.rate_limit for each in rpcs().values() if each.full_name.startswith(f"{service}."))


def _is_in_an_organization(rpc: Rpc) -> bool:
    """Whether a valid request names anything of an organization; to end, a caller must not be the owner of one."""
    needed = [rpc.names[path] for path in rpc.needed_names]
    patterns = [
        pattern for field in needed if field.reference in resources() for pattern in resources()[field.reference].patterns
    ]
    return rpc.access in ("permission", "internal") or any(pattern.startswith("organizations/") for pattern in patterns)


def _example(pattern: str) -> str:
    """Return a name of a pattern."""
    return re.sub(r"\{\w+\}", "x", pattern)


def _check(rpc: Rpc, message: Message) -> None:
    for violation in protovalidate.collect_violations(message):
        path = ".".join(element.field_name for element in _elements(violation))
        raise RecipeMissing(_line(rpc, f"{rpc.input.DESCRIPTOR.full_name}: {path}", violation.proto.message))


def _elements(violation: Any) -> Any:
    return violation.proto.field.elements


def _line(rpc: Rpc, field: str, why: str) -> str:
    return f"{rpc}: {field}: {why}; say how a value is made in FIELDS of tests/generated/recipes.py"
