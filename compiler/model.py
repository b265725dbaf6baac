"""What the contract says, as plain values: the only thing the targets and the linter read.

`reader` fills it from a descriptor set. Nothing here knows descriptors, files or a target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written, and the comment above it."""

    file: str
    line: int
    comment: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message."""

    name: str
    type: str
    """`string`, `int32`, …, or the full name of a message or enum."""
    repeated: bool
    """Also true of maps."""
    place: Place
    behaviors: tuple[str, ...]
    """google.api.field_behavior, for example `REQUIRED`."""
    data_class: str
    """`PERSONAL`, `SECRET` or empty."""
    reference: str
    """The resource type (or the child type) that the field's value names, or empty."""
    rules: Mapping[str, object]
    """protovalidate's rules, flat: `string.max_len`, `repeated.items.string.pattern`."""
    json_name: str
    """Its name in JSON and in queries, `displayName`."""
    oneof: str
    """The oneof it belongs to, or empty."""
    optional: bool
    """Whether it is declared `optional`: unset is another thing than zero, and left out of JSON."""
    format: str
    """google.api.field_info.format, for example `UUID4`, or empty."""
    deprecated: bool
    map_types: tuple[str, str]
    """Types of the key and of the value if the field is a map; otherwise empty texts."""

    @property
    def value_rules(self) -> Mapping[str, object]:
        """The rules of one value: of each item if the field repeats."""
        inner = "repeated.items."
        if not self.repeated:
            return self.rules
        return {name.removeprefix(inner): rule for name, rule in self.rules.items() if name.startswith(inner)}


@dataclass(frozen=True, slots=True)
class Resource:
    """google.api.resource of a message."""

    type: str
    patterns: tuple[str, ...]
    singular: str
    plural: str


@dataclass(frozen=True, slots=True)
class Revokes:
    """Fields of an event that say whose access tokens end with it. Empty: not compared."""

    subject: str
    organization: str
    session: str
    api_key: str
    except_session: str
    time: str
    """Empty: the time of the event itself."""


@dataclass(frozen=True, slots=True)
class Event:
    """Where a message is published."""

    topic: str
    key: str
    revokes: Revokes | None = None


@dataclass(frozen=True, slots=True)
class Oneof:
    """Fields of which at most one is set. Those that `optional` makes are none."""

    name: str
    required: bool
    """Whether exactly one must be set."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the contract, also a nested one."""

    name: str
    """Full name, `trellis.user.v1.User`."""
    place: Place
    fields: tuple[Field, ...]
    resource: Resource | None
    event: Event | None
    has_rules: bool
    """Whether the message itself, beside its fields, has protovalidate rules."""
    oneofs: tuple[Oneof, ...]

    def field(self, name: str) -> Field | None:
        """The field of that name, if there is one."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True)
class Reason:
    """How an error reason looks when it is sent."""

    code: str
    message: str
    metadata: tuple[tuple[str, str], ...]
    advice: str
    """What the caller can do about it."""


@dataclass(frozen=True, slots=True)
class EnumValue:
    """One value of an enum."""

    name: str
    number: int
    place: Place
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum of the contract."""

    name: str
    place: Place
    values: tuple[EnumValue, ...]
    prefix: str
    """What buf makes every value's name begin with: `ERROR_REASON_` of `ErrorReason`."""

    @property
    def holds_reasons(self) -> bool:
        """Whether the enum lists error reasons."""
        return self.name.endswith("Reason")


@dataclass(frozen=True, slots=True)
class Variable:
    """A part of a URL path that fills a field of the request."""

    field: str
    """Path of the field, for example `membership.name`."""
    group: str
    """Its named group in the binding's regex."""


@dataclass(frozen=True, slots=True)
class HttpBinding:
    """One google.api.http rule of an RPC, additional bindings included."""

    verb: str
    template: str
    """As written: `/v1/{name=users/*}`."""
    body: str
    """`*`, a field of the request or empty."""
    regex: str
    """Matches exactly the paths of `template` (as a full match, before percent-decoding)."""
    variables: tuple[Variable, ...]
    response_body: str
    """Never set in this contract: the edge cannot serve it."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket."""

    key: str
    """`caller` or `address`; empty if the contract does not say."""
    burst: int
    refill: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket without a key."""

    burst: int
    refill: int
    per_s: float


@dataclass(frozen=True, slots=True)
class GuessLimit:
    """How often a secret may be guessed at."""

    reasons: tuple[str, ...]
    """Those that say a guess was wrong."""
    field: str
    """Says whose secret it is; empty: the caller's, or the secret says it itself."""
    by_address: Bucket | None
    by_address_and_account: Bucket | None
    by_strangers: Bucket | None
    consecutive: int


@dataclass(frozen=True, slots=True)
class Policy:
    """How an RPC is served. What the contract does not say is empty or zero; the linter refuses that."""

    access: str
    """`public`, `signed_in`, `permission` or `internal`."""
    permission: str
    permission_for_others: str
    """What a `signed_in` caller needs to ask about others than itself; empty if it may not."""
    granted_to: tuple[str, ...]
    """`owner`, `admin`, `member`."""
    callers: tuple[str, ...]
    timeout_s: float
    repeatable: str
    """`always`, `by_request_id` or `never`."""
    rate_limit: RateLimit | None
    slo_latency_ms: int
    slo_success: float
    audited: bool
    reasons: tuple[str, ...]
    guesses: GuessLimit | None = None

    @property
    def grantable(self) -> str:
        """The permission that `granted_to` is about, whichever it is."""
        return self.permission or self.permission_for_others

    api_keys: bool = False
    """Whether an API key may do what asks for no permission."""


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC."""

    name: str
    """`GetUser`."""
    service: str
    """Full name of its gRPC service, `trellis.user.v1.UserService`."""
    input: str
    output: str
    client_streaming: bool
    server_streaming: bool
    no_side_effects: bool
    """Whether `idempotency_level` is NO_SIDE_EFFECTS."""
    place: Place
    bindings: tuple[HttpBinding, ...]
    policy: Policy
    deprecated: bool
    operation: tuple[str, str]
    """Types of the response and the metadata of the google.longrunning.Operation it answers with, or empty texts."""

    @property
    def full_name(self) -> str:
        """`trellis.user.v1.UserService.GetUser`."""
        return f"{self.service}.{self.name}"

    @property
    def path(self) -> str:
        """The path of its HTTP/2 requests, `/trellis.user.v1.UserService/GetUser`."""
        return f"/{self.service}/{self.name}"

    @property
    def process(self) -> str:
        """The process that serves it: `user`."""
        return process_of(self.service)


@dataclass(frozen=True, slots=True)
class Service:
    """A gRPC service."""

    name: str
    place: Place
    rpcs: tuple[Rpc, ...]

    @property
    def process(self) -> str:
        """The process that serves it: `user`."""
        return process_of(self.name)


@dataclass(frozen=True)
class Contract:
    """Everything under `proto/trellis`, in the order of the files."""

    services: tuple[Service, ...]
    messages: Mapping[str, Message]
    enums: Mapping[str, Enum]
    definitions: tuple[Resource, ...]
    """Resources that no message of the contract is, by `google.api.resource_definition`."""
    imported: Mapping[str, Message]
    """Messages of others that the contract may use, such as google.rpc.Status."""

    @cached_property
    def rpcs(self) -> tuple[Rpc, ...]:
        """Every RPC, by path."""
        return tuple(sorted((rpc for service in self.services for rpc in service.rpcs), key=lambda rpc: rpc.path))

    @cached_property
    def processes(self) -> tuple[str, ...]:
        """The processes that serve the contract: `auth`, `user`."""
        return tuple(sorted({service.process for service in self.services}))

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Every resource, also those that no message of the contract is."""
        return (*(message.resource for message in self.messages.values() if message.resource), *self.definitions)

    def request(self, rpc: Rpc) -> Message:
        """The request message of an RPC."""
        return self.messages[rpc.input]

    def reason_enums(self, owner: str) -> list[Enum]:
        """The enums in which a process (or `common`) declares its reasons."""
        return [enum for enum in self.enums.values() if enum.holds_reasons and reason_owner(enum) == owner]

    def reasons(self, owner: str) -> dict[str, Reason]:
        """The reasons that a process (or `common`) declares, without their prefix."""
        return {
            value.name.removeprefix(enum.prefix): value.reason
            for enum in self.reason_enums(owner)
            for value in enum.values
            if value.reason is not None
        }

    def walk(self, message: Message) -> Iterator[tuple[str, Message, Field]]:
        """Every field below a message with its path and its message. Recursion ends where a message repeats itself."""
        yield from self._walk(message, "", ())

    def _walk(self, message: Message, prefix: str, above: tuple[str, ...]) -> Iterator[tuple[str, Message, Field]]:
        for field in message.fields:
            yield prefix + field.name, message, field
            below = self.messages.get(field.type)
            if below and below.name not in above:
                yield from self._walk(below, f"{prefix}{field.name}.", (*above, message.name))


def process_of(full_name: str) -> str:
    """The process that a full name of the contract belongs to: `user` of `trellis.user.v1.User`."""
    return full_name.split(".")[1]


def reason_owner(enum: Enum) -> str:
    """Who sends the reasons of an enum: a process, or `common` if every one does."""
    process = process_of(enum.name)
    return "common" if process == "policy" else process
