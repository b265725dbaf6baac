"""Rules about `trellis.policy.v1.method` and the HTTP binding beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from compiler.lint.finding import Problem, Rule, rule
from compiler.model import Contract, HttpBinding, RateLimit, Rpc

OPERATOR = "operator"
"""Whoever runs the platform: a caller with a key of its own, like a service."""
LONGEST_CALL_S = 10
"""Work that takes longer is a google.longrunning.Operation (AIP-151)."""
_PERMISSION = re.compile(r"[a-z][A-Za-z]*\.[a-z][A-Za-z]*")


@rule("policy-access")
def access(contract: Contract) -> Iterator[Problem]:
    """Nobody guesses who may call."""
    for rpc in contract.rpcs:
        if not rpc.policy.access:
            yield _at(rpc, "say who may call: public, signed_in, permission or internal")


@rule("policy-timeout")
def timeout(contract: Contract) -> Iterator[Problem]:
    """Every call ends."""
    for rpc in contract.rpcs:
        if not 0 < rpc.policy.timeout_s <= LONGEST_CALL_S:
            yield _at(rpc, f"set a timeout of at most {LONGEST_CALL_S} s; longer work answers with an Operation")


@rule("policy-slo")
def slo(contract: Contract) -> Iterator[Problem]:
    """Every call promises something that can be kept."""
    for rpc in contract.rpcs:
        if rpc.policy.slo_latency_ms <= 0 or not 0 < rpc.policy.slo_success < 1:
            yield _at(rpc, "set slo.latency_ms and slo.success (between 0 and 1)")
        elif rpc.policy.slo_latency_ms > rpc.policy.timeout_s * 1000:
            yield _at(rpc, "promise a latency below the timeout")


@rule("policy-repeatable")
def repeatable(contract: Contract) -> Iterator[Problem]:
    """Retries follow from what the contract says, and both places say the same."""
    for rpc in contract.rpcs:
        if not rpc.policy.repeatable:
            yield _at(rpc, "say when the call may be repeated")
        elif rpc.no_side_effects != (rpc.policy.repeatable == "always"):
            yield _at(rpc, "use REPEATABLE_ALWAYS and idempotency_level = NO_SIDE_EFFECTS together or not at all")


@rule("policy-permission")
def permission(contract: Contract) -> Iterator[Problem]:
    """A permission that no role carries shuts everybody out; a role without one grants nothing."""
    for rpc in contract.rpcs:
        policy = rpc.policy
        if bool(policy.grantable) != bool(policy.granted_to):
            yield _at(rpc, "set permission (or permission_for_others) and granted_to together")
        if policy.grantable and not _PERMISSION.fullmatch(policy.grantable):
            yield _at(rpc, f"write the permission as resources.verb, not {policy.grantable!r}")
        if policy.permission_for_others and policy.access != "signed_in":
            yield _at(rpc, "use permission_for_others with signed_in only: it widens what the caller may ask about itself")
        if len(set(policy.granted_to)) != len(policy.granted_to):
            yield _at(rpc, "name each role once")


@rule("policy-api-keys")
def api_keys(contract: Contract) -> Iterator[Problem]:
    """Scopes say what an API key may do; only where no permission is asked must the contract say it."""
    for rpc in contract.rpcs:
        if rpc.policy.api_keys and rpc.policy.access != "signed_in":
            yield _at(rpc, "set api_keys together with signed_in only")


@rule("policy-callers")
def callers(contract: Contract) -> Iterator[Problem]:
    """An internal RPC names services that exist, and not its own."""
    known = {*contract.processes, OPERATOR}
    for rpc in contract.rpcs:
        if rpc.policy.access == "internal" and not rpc.policy.callers:
            yield _at(rpc, "name the calling services")
        for caller in rpc.policy.callers:
            if caller not in known - {rpc.process}:
                yield _at(rpc, f"name another service of the platform, not {caller!r}")


@rule("policy-rate-limit")
def rate_limit(contract: Contract) -> Iterator[Problem]:
    """What anybody may do to change something has a limit, and a limit is complete."""
    for rpc in contract.rpcs:
        limit = rpc.policy.rate_limit
        if limit and not _complete(limit):
            yield _at(rpc, "set key, burst, refill and per of the rate limit")
        elif rpc.policy.access == "public" and not rpc.no_side_effects and not _by_address(limit):
            yield _at(rpc, "set a rate limit by address: anybody may call this")


@rule("policy-guesses")
def guesses(contract: Contract) -> Iterator[Problem]:
    """A limit of guesses that nothing is counted for limits nothing."""
    for rpc in contract.rpcs:
        limit = rpc.policy.guesses
        if limit is None:
            continue
        if not limit.reasons or set(limit.reasons) - set(rpc.policy.reasons):
            yield _at(rpc, "let guesses.reasons name those of the policy's reasons that a wrong guess is answered with")
        if limit.field and not _is_text(contract, rpc, limit.field):
            yield _at(rpc, "let guesses.field name a string field of the request")
        buckets = (limit.by_address, limit.by_address_and_account, limit.by_strangers)
        if limit.by_address is None or not all(b.burst and b.refill and b.per_s for b in buckets if b):
            yield _at(rpc, "set guesses.by_address, and burst, refill and per of every bucket")
        known = limit.field or rpc.policy.access != "public"
        if not known and (limit.by_address_and_account or limit.by_strangers or limit.consecutive):
            yield _at(rpc, "say with guesses.field whose secret it is, or limit guesses by address alone")


@rule("http-exposure")
def exposure(contract: Contract) -> Iterator[Problem]:
    """Internal RPCs have no URL; all others have one, save those whose clients stream.

    REST cannot tell whether a stream was cut: an error after the first answer is lost.
    """
    for rpc in contract.rpcs:
        if rpc.client_streaming:
            if rpc.bindings:
                yield _at(rpc, "remove google.api.http: what a client streams has no URL")
            continue
        if rpc.policy.access == "internal" and rpc.bindings:
            yield _at(rpc, "remove google.api.http: an internal RPC is not reached from outside")
        if rpc.policy.access not in ("internal", "") and not rpc.bindings:
            yield _at(rpc, "add google.api.http")


@rule("http-binding")
def binding(contract: Contract) -> Iterator[Problem]:
    """Verb, path and body follow AIP-127 and 131 to 136, and name fields that exist."""
    for rpc in contract.rpcs:
        fields = {path for path, _, _ in contract.walk(contract.request(rpc))}
        for http in rpc.bindings:
            named = {variable.field for variable in http.variables} | ({http.body} - {"", "*"})
            for missing in sorted(named - fields):
                yield _at(rpc, f"{http.template} names the field {missing!r}, which the request lacks")
            if http.response_body:
                yield _at(rpc, "remove response_body: the edge refuses it; answer with the resource itself")
            if cure := _verb(contract, rpc, http):
                yield _at(rpc, cure)


@rule("http-unique")
def unique(contract: Contract) -> Iterator[Problem]:
    """A request belongs to one RPC, whatever order the edge tries them in."""
    owners: dict[tuple[str, str], str] = {}
    for rpc in contract.rpcs:
        for http in rpc.bindings:
            shape = re.sub(r"\?P<g\d+>", "", http.regex).replace("(", "").replace(")", "")
            if owners.setdefault((http.verb, shape), rpc.full_name) != rpc.full_name:
                yield _at(rpc, f"bind it elsewhere: {owners[http.verb, shape]} has {http.verb} {http.template}")


@rule("request-of-its-own")
def own_request(contract: Contract) -> Iterator[Problem]:
    """Two RPCs that share a request can never change apart."""
    owners: dict[str, str] = {}
    for rpc in contract.rpcs:
        if owners.setdefault(rpc.input, rpc.full_name) != rpc.full_name:
            yield _at(rpc, f"give it a request message of its own; {owners[rpc.input]} has this one")


def _verb(contract: Contract, rpc: Rpc, http: HttpBinding) -> str:
    custom = ":" in http.template.rpartition("}")[2].rpartition("/")[2]
    if custom or not rpc.name.startswith(("Get", "List", "Create", "Update", "Delete")):
        in_url = rpc.no_side_effects and _fits_url(contract, rpc)
        wanted = "GET" if in_url else "POST"
        body = http.body == ("" if in_url else "*")
    else:
        method = re.match(r"Get|List|Create|Update|Delete", rpc.name)
        wanted = {"Create": "POST", "Update": "PATCH", "Delete": "DELETE"}.get(method[0] if method else "", "GET")
        body = bool(http.body) == (wanted in ("POST", "PATCH"))
    if http.verb != wanted:
        return f"bind it to {wanted}, not {http.verb}"
    return "" if body else "let the body be the resource (Create, Update), `*` (custom methods) or nothing"


def _fits_url(contract: Contract, rpc: Rpc) -> bool:
    """Say whether a URL may hold the request, which tells of nobody, and can, since no list of messages is in it."""
    fields = [field for _, _, field in contract.walk(contract.request(rpc))]
    return not any(field.data_class or (field.repeated and field.type in contract.messages) for field in fields)


def _is_text(contract: Contract, rpc: Rpc, name: str) -> bool:
    field = contract.request(rpc).field(name)
    return field is not None and field.type == "string" and not field.repeated


def _complete(limit: RateLimit) -> bool:
    return bool(limit.key and limit.burst and limit.refill and limit.per_s)


def _by_address(limit: RateLimit | None) -> bool:
    return limit is not None and limit.key == "address"


def _at(rpc: Rpc, cure: str) -> Problem:
    return rpc.place, rpc.full_name, cure


RULES: tuple[Rule, ...] = (
    access,
    timeout,
    slo,
    repeatable,
    permission,
    api_keys,
    callers,
    rate_limit,
    guesses,
    exposure,
    binding,
    unique,
    own_request,
)
