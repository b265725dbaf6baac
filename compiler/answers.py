"""How calls fail, as callers see it: what the edge answers by itself, and what an RPC may answer with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.rpc import code_pb2

from compiler.model import Contract, Reason, Rpc

HTTP = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
"""Canonical code → HTTP status, as the edge's transcoder translates it."""
API_KEY_RESOURCE = "trellis.dev/ApiKey"
KEY_INVALID = "API_KEY_INVALID"
EDGE = {
    400: ("REQUEST_INVALID", "The request is not valid: %LOCAL_REPLY_BODY%"),
    401: ("TOKEN_INVALID", "The access token is missing or not valid."),
    403: ("PERMISSION_DENIED", "This needs an access token."),
    404: ("ENDPOINT_UNKNOWN", "Nothing is served at this address."),
    408: ("DEADLINE_EXCEEDED", "The request took too long to arrive."),
    413: ("REQUEST_TOO_LARGE", "The request is larger than 1 MB."),
    429: ("RATE_LIMITED", "Too many calls; try again later."),
    431: ("REQUEST_INVALID", "The headers are too large."),
    500: ("INTERNAL", "Internal error."),
    502: ("INTERNAL", "Internal error."),
    503: ("DEPENDENCY_UNAVAILABLE", "The service does not answer at the moment; try again."),
    504: ("DEADLINE_EXCEEDED", "The call ran out of time."),
}
"""What the edge itself answers: HTTP status → reason and message. The code is the one the reason is declared with."""
EARLY = {
    400: "The request is not valid: its path or a header is malformed.",
    431: EDGE[431][1],
}
"""Statuses of requests that are refused before they get an id, and so without one."""
RETRY_AFTER_S = 1
"""What the edge asks to wait where it refuses with 429 or 503 and knows nothing better."""
WAIT = frozenset({429, 503})
"""Statuses that come with `Retry-After`."""
EDGE_DOMAIN = "trellis.edge"
_INFO, _WAIT = "type.googleapis.com/google.rpc.ErrorInfo", "type.googleapis.com/google.rpc.RetryInfo"
_FIELDS, _REQUEST = "type.googleapis.com/google.rpc.BadRequest", "type.googleapis.com/google.rpc.RequestInfo"
REQUEST_ID = "3f0c2a4e-7a51-4f0e-9d53-0c8e1d5a6b77"
"""The request id of examples."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One way in which an RPC fails."""

    name: str
    """The reason without its prefix, `USER_NOT_FOUND`."""
    status: int
    """HTTP."""
    domain: str
    """Who says so: `trellis.user`, or `trellis.edge` if the edge alone does."""
    reason: Reason

    @property
    def message(self) -> str:
        """An example of the message."""
        by_edge = self.domain == EDGE_DOMAIN and self.name == EDGE[self.status][0]
        return EDGE[self.status][1] if by_edge else self.reason.message

    @property
    def example(self) -> dict[str, Any]:
        """A body as REST callers get it."""
        info = {"@type": _INFO, "reason": self.name, "domain": self.domain, "metadata": dict(self.reason.metadata)}
        details: list[dict[str, Any]] = [info]
        if self.name == "REQUEST_INVALID" and self.domain != EDGE_DOMAIN:
            field = {"field": "display_name", "description": "must be at most 100 characters", "reason": "string.max_len"}
            details.append({"@type": _FIELDS, "fieldViolations": [field]})
        if self.status in WAIT:
            wait = dict(self.reason.metadata).get("retry_after_s", str(RETRY_AFTER_S))
            details.append({"@type": _WAIT, "retryDelay": f"{wait}s"})
        details.append({"@type": _REQUEST, "requestId": REQUEST_ID, "servingData": ""})
        return {"code": code_of(self.reason), "message": self.message, "details": details}


def code_of(reason: Reason) -> int:
    """The number of the canonical code."""
    return int(code_pb2.Code.Value(reason.code))


def takes_api_keys(contract: Contract) -> bool:
    """Whether the edge takes API keys: as soon as the contract has such a resource."""
    return any(message.resource and message.resource.type == API_KEY_RESOURCE for message in contract.messages.values())


def needs_session(rpc: Rpc) -> bool:
    """Whether no API key may do it: scopes are permissions, and it asks for none."""
    return rpc.policy.access == "signed_in" and not rpc.policy.api_keys


def failures(contract: Contract, rpc: Rpc) -> list[Failure]:
    """Every way in which an RPC fails, by status and name: its own reasons, those all share, and the edge's."""
    common, own = contract.reasons("common"), contract.reasons(rpc.process)
    found = {}
    takes_keys = takes_api_keys(contract)
    of_sessions = {"SESSION_REQUIRED"} if takes_keys and needs_session(rpc) else set()
    for name in {*_shared(rpc), *of_sessions, *rpc.policy.reasons}:
        reason = own.get(name) or common[name]
        found[name] = Failure(name, HTTP[reason.code], f"trellis.{rpc.process}", reason)
    if takes_keys and rpc.policy.access != "public":
        found[KEY_INVALID] = Failure(KEY_INVALID, 401, EDGE_DOMAIN, common[KEY_INVALID])
    for status in _edge(rpc):
        name = EDGE[status][0]
        found.setdefault(f"{status}", Failure(name, status, EDGE_DOMAIN, common[name]))
    return sorted(found.values(), key=lambda failure: (failure.status, failure.name))


def _shared(rpc: Rpc) -> Iterator[str]:
    """The common reasons that the service itself may answer with."""
    yield from ("REQUEST_INVALID", "OVERLOADED", "DEADLINE_EXCEEDED", "DEPENDENCY_UNAVAILABLE", "INTERNAL")
    if rpc.policy.access != "public":
        yield from ("TOKEN_INVALID", "PERMISSION_DENIED")
    if rpc.policy.repeatable == "by_request_id":
        yield "REQUEST_ID_REUSED"
    if rpc.policy.rate_limit or rpc.policy.guesses:
        yield "RATE_LIMITED"


def _edge(rpc: Rpc) -> Iterator[int]:
    """The statuses that nobody but the edge answers with."""
    if any(binding.variables for binding in rpc.bindings):
        yield 404
    if any(binding.body for binding in rpc.bindings):
        yield from (408, 413)
    yield 431
