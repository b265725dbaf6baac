"""Lets each audited call become an entry of its organization's audit log.

An allowed mutation is told in the transaction of its effect (`db/session.py`), so a repetition and `validate_only`, which
have none, add nothing. A refusal and an allowed read are told beside the call. Calls of nobody in particular, bad syntax and
faults of ours have the log line alone.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

from opentelemetry import trace

from services.chassis import audit, errors
from services.chassis.audit import AuditedCall, RunningCall, Trail
from services.chassis.audit.call import OK, Tell, organization_of, resource_names
from services.chassis.principal import Principal
from services.chassis.rpc.auth import resources_of
from services.chassis.rpc.errors import REQUEST_ID, code_of
from services.chassis.rpc.guesses import FORWARDED, network_of
from services.chassis.rpc.middleware import Call, Handler, Method, Middleware
from trellis.policies import Policy

REFUSALS = (
    errors.Unauthenticated,  # of a known caller, who was to prove more than that
    errors.PermissionDenied,
    errors.NotFound,
    errors.AlreadyExists,
    errors.FailedPrecondition,
    errors.Aborted,
    errors.ResourceExhausted,
)
PREFIX_BITS = {4: 24, 6: 48}
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def audited(trail: Trail | None) -> Middleware:
    """Tell of every call that the contract marks as audited and whose caller is known."""

    def around(handle: Handler, method: Method) -> Handler:
        policy = method.policy
        if trail is None or not policy.audited or policy.access in ("public", "internal"):
            return handle
        reads = policy.repeatable == "always"

        async def handler(call: Call) -> Any:
            said = await call.request.first() if method.streams_in else call.request
            running = RunningCall(_teller(call, said, method, trail))
            audit.current.set(running)
            try:
                answer = await handle(call)
            except errors.ServiceError as error:
                if _is_refusal(error, method.policy) and not getattr(said, "validate_only", False):
                    _add(trail, running.refused(code_of(error).name, error.reason))
                raise
            if reads:
                _add(trail, running.allowed(answer))
            return answer

        return handler

    return around


def _is_refusal(error: errors.ServiceError, policy: Policy) -> bool:
    """Whether somebody who asked properly was told no. A wrong guess at a secret is that, whatever its code."""
    return isinstance(error, REFUSALS) or (policy.guesses is not None and error.reason in policy.guesses.reasons)


def _add(trail: Trail, told: AuditedCall | None) -> None:
    if told is not None:
        trail.add(told)


def _teller(call: Call, said: Any, method: Method, trail: Trail) -> Tell:
    """Return what puts a call into words once it has ended. `said` is its request, of a stream the first, or None."""

    def tell(code: str, reason: str, answered: str) -> AuditedCall | None:
        caller = call.principal
        named = resource_names(resources_of(method.policy, said) if said is not None else (), caller.subject)
        if code != OK:
            named = tuple(name for name in named if _is_of(name, caller))
        resources = tuple(dict.fromkeys((*named, *resource_names([answered], caller.subject))))
        organization = _organization(code, answered, named, caller.organization)
        if not organization:
            return None
        return AuditedCall(
            id=trail.new_id("aud"),
            time=trail.now(),
            organization=organization,
            service=method.policy.service,
            rpc=method.policy.method.removeprefix("/"),
            actor=caller.subject,
            api_key=caller.api_key,
            resources=resources,
            code=code,
            reason=reason,
            request_id=_request_id(call),
            trace_id=_trace_id(),
            address_prefix=prefix_of(call.metadata.get(FORWARDED, "")),
        )

    return tell


def _is_of(name: str, caller: Principal) -> bool:
    """Whether a name lies in the caller's organization or is the caller's own. Others' are not told to those who may not see
    them, nor that somebody tried."""
    return any(name == own or name.startswith(f"{own}/") for own in (caller.organization, caller.subject) if own)


def _organization(code: str, answered: str, named: tuple[str, ...], callers: str) -> str:
    """Return whose log a call belongs to. A refusal belongs to the caller's organization: no stranger writes into a log."""
    return (organization_of([answered, *named]) or callers) if code == OK else callers


def prefix_of(forwarded: str) -> str:
    """Return the network that a call came from, wide enough to be no household's; empty if the edge said nothing."""
    if not (found := network_of(forwarded)):
        return ""
    network = ip_network(found)
    return str(network.supernet(new_prefix=PREFIX_BITS[network.version]))


def _request_id(call: Call) -> str:
    request_id = call.metadata.get(REQUEST_ID, "")
    return request_id if _REQUEST_ID.fullmatch(request_id) else ""


def _trace_id() -> str:
    span = trace.get_current_span().get_span_context()
    return f"{span.trace_id:032x}" if span.is_valid else ""
