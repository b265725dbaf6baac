"""`trellis/policies.py`: what the contract demands of each RPC, as data that the services' middleware reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields

from compiler.model import Bucket, Contract, Field, GuessLimit, HttpBinding, Message, RateLimit, Revokes, Rpc

PATH = "gen/python/trellis/policies.py"
_ROLES = ("owner", "admin", "member")
_NAMES = ("name", "parent", "names")
"""Fields of a request that hold resource names also where no `resource_reference` says so."""

_HEAD = '''\
"""How each RPC is served, what the roles permit, where events go and why calls fail. Generated; do not edit."""

from __future__ import annotations

from typing import Final, NamedTuple


class RateLimit(NamedTuple):
    """A token bucket; `key` is `caller` or `address`."""

    key: str
    burst: int
    refill: int
    per_s: float


class Bucket(NamedTuple):
    """A token bucket."""

    burst: int
    refill: int
    per_s: float


class GuessLimit(NamedTuple):
    """How often a secret may be guessed at."""

    reasons: tuple[str, ...]
    """Those that say a guess was wrong."""
    field: str
    """Says whose secret it is; empty: the caller's, or the secret says it itself."""
    by_address: Bucket | None
    by_address_and_account: Bucket | None
    by_strangers: Bucket | None
    consecutive: int


class Binding(NamedTuple):
    """A REST binding. `pattern` is to match the whole path; `fields` says which group fills which field."""

    verb: str
    pattern: str
    fields: tuple[tuple[str, str], ...]


class Policy(NamedTuple):
    """How one RPC is served."""

    method: str
    service: str
    access: str
    """`public`, `signed_in`, `permission` or `internal`."""
    permission: str
    callers: tuple[str, ...]
    timeout_s: float
    repeatable: str
    """`always`, `by_request_id` or `never`."""
    rate_limit: RateLimit | None
    audited: bool
    resources: tuple[str, ...]
    """Paths of the request's fields that hold resource names, also repeated and nested ones."""
    bindings: tuple[Binding, ...]
    validated: bool
    """Whether the request has rules of shape anywhere."""
    slo_latency_ms: int
    slo_success: float
    reasons: tuple[str, ...]
    api_keys: bool
    """Whether an API key may do what asks for no permission; otherwise a signed_in RPC needs a session."""
    guesses: GuessLimit | None = None


class Permission(NamedTuple):
    """What an RPC asks for."""

    description: str
    """What it lets its holder do, in the words of the RPCs that ask for it."""
    methods: tuple[str, ...]
    """The RPCs that ask for it, `trellis.user.v1.UserService.GetUser`."""
    roles: tuple[str, ...]
    """The predefined roles that have it: `owner`, `admin`, `member`."""


class Revokes(NamedTuple):
    """Fields of an event that say whose access tokens end with it; an empty one is not compared."""

    message: str
    """The event's full name."""
    subject: str = ""
    organization: str = ""
    session: str = ""
    api_key: str = ""
    except_session: str = ""
    """Holds a session that is spared."""
    time: str = ""
    """When it happened; empty: when the event was announced."""
'''


def render(contract: Contract) -> Mapping[str, str]:
    """One module with six tables."""
    tables = (
        _policies(contract),
        _permissions(contract),
        _roles(contract),
        _events(contract),
        _revocations(contract),
        _reasons(contract),
    )
    return {PATH: "\n\n".join((_HEAD, *tables))}


def resources(contract: Contract, rpc: Rpc) -> tuple[str, ...]:
    """Paths of the request's fields that hold resource names."""
    request = contract.request(rpc)
    return tuple(path for path, owner, field in contract.walk(request) if _names_resource(owner, field, request))


def _names_resource(owner: Message, field: Field, request: Message) -> bool:
    if field.type != "string":
        return False
    named = field.name in _NAMES and (owner is request or owner.resource is not None)
    return named or bool(field.reference)


def _policies(contract: Contract) -> str:
    entries = (_policy(contract, rpc) for rpc in contract.rpcs)
    return "POLICIES: Final[dict[str, Policy]] = {\n" + "".join(entries) + "}\n"


def _policy(contract: Contract, rpc: Rpc) -> str:
    policy = rpc.policy
    values = {
        "method": rpc.path,
        "service": rpc.process,
        "access": policy.access,
        "permission": policy.permission,
        "callers": policy.callers,
        "timeout_s": policy.timeout_s,
        "repeatable": policy.repeatable,
        "rate_limit": policy.rate_limit,
        "audited": policy.audited,
        "resources": resources(contract, rpc),
        "bindings": rpc.bindings,
        "validated": _validated(contract, rpc),
        "slo_latency_ms": policy.slo_latency_ms,
        "slo_success": policy.slo_success,
        "reasons": policy.reasons,
        "api_keys": policy.api_keys,
        **({"guesses": policy.guesses} if policy.guesses else {}),
    }
    lines = "".join(f"        {name}={_literal(value)},\n" for name, value in values.items())
    return f"    {_literal(rpc.path)}: Policy(\n{lines}    ),\n"


def _validated(contract: Contract, rpc: Rpc) -> bool:
    request = contract.request(rpc)
    return request.has_rules or any(owner.has_rules or field.rules for _, owner, field in contract.walk(request))


def _permissions(contract: Contract) -> str:
    asking: dict[str, list[Rpc]] = {}
    for rpc in contract.rpcs:
        if rpc.policy.grantable:
            asking.setdefault(rpc.policy.grantable, []).append(rpc)
    lines = (f"    {_literal(name)}: {_permission(asking[name])},\n" for name in sorted(asking))
    return _table("PERMISSIONS", "Permission", lines, "Every permission there is.")


def _permission(rpcs: list[Rpc]) -> str:
    description = " ".join(dict.fromkeys(_first_sentence(rpc.place.comment) for rpc in rpcs))
    granted = {role for rpc in rpcs for role in rpc.policy.granted_to}
    roles = tuple(role for role in _ROLES if role in granted)
    methods = tuple(rpc.full_name for rpc in rpcs)
    return f"Permission({_literal(description)}, {_literal(methods)}, {_literal(roles)})"


def _first_sentence(comment: str) -> str:
    return re.split(r"(?<=\.)\s", comment, maxsplit=1)[0]


def _roles(contract: Contract) -> str:
    permissions: dict[str, set[str]] = {role: set() for role in _ROLES}
    for rpc in contract.rpcs:
        for role in rpc.policy.granted_to:
            permissions[role].add(rpc.policy.grantable)
    lines = (f"    {_literal(role)}: {_literal(tuple(sorted(held)))},\n" for role, held in permissions.items())
    return _table("ROLE_PERMISSIONS", "tuple[str, ...]", lines, "What the tokens of each predefined role permit.")


def _events(contract: Contract) -> str:
    lines = (
        f"    {_literal(message.name)}: {_literal((message.event.topic, message.event.key))},\n"
        for message in sorted(contract.messages.values(), key=lambda message: message.name)
        if message.event
    )
    return _table("EVENTS", "tuple[str, str]", lines, "Topic and key field of each event.")


def _revocations(contract: Contract) -> str:
    lines = (
        f"    {_literal(message.event.topic)}: {_literal((message.name, message.event.revokes))},\n"
        for message in sorted(contract.messages.values(), key=lambda message: message.name)
        if message.event and message.event.revokes
    )
    return _table("REVOCATIONS", "Revokes", lines, "Whose access tokens end, by the topic of the event.")


def _reasons(contract: Contract) -> str:
    lines = []
    for owner in ("common", *contract.processes):
        reasons = (f"        {_literal(n)}: {_literal(r.code)},\n" for n, r in contract.reasons(owner).items())
        lines.append(f"    {_literal(owner)}: {{\n{''.join(reasons)}    }},\n")
    return _table("REASONS", "dict[str, str]", lines, "The code of each error reason, by the service that sends it.")


def _table(name: str, values: str, lines: Iterable[str], says: str) -> str:
    return f'{name}: Final[dict[str, {values}]] = {{\n{"".join(lines)}}}\n"""{says}"""\n'


def _literal(value: object) -> str:
    """Python source of a value, strings in double quotes."""
    match value:
        case str():
            return _quoted(value)
        case RateLimit(key=key, burst=burst, refill=refill, per_s=per_s):
            return f"RateLimit(key={_quoted(key)}, burst={burst}, refill={refill}, per_s={per_s!r})"
        case Bucket(burst=burst, refill=refill, per_s=per_s):
            return f"Bucket(burst={burst}, refill={refill}, per_s={per_s!r})"
        case GuessLimit():
            named = {field.name: getattr(value, field.name) for field in fields(value)}
            return f"GuessLimit({', '.join(f'{name}={_literal(said)}' for name, said in named.items())})"
        case (str(message), Revokes() as revokes):
            named = {"message": message, **asdict(revokes)}
            return f"Revokes({', '.join(f'{name}={_quoted(field)}' for name, field in named.items() if field)})"
        case HttpBinding(verb=verb, regex=regex, variables=variables):
            filled = tuple((variable.group, variable.field) for variable in variables)
            return f'Binding(verb={_quoted(verb)}, pattern=r"{regex}", fields={_literal(filled)})'
        case tuple():
            inner = ", ".join(_literal(item) for item in value)
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case _:
            return repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
