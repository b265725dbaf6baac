"""`gen/envoy/edge.json`: what the edge must know of each RPC. `compiler.edge` joins it with the frame written by hand.

A route for each RPC that may be called from outside, by its gRPC path: the transcoder stands before everything that
looks at routes, so REST, grpc-web and gRPC share this one table. An internal RPC has no route and no REST face at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from compiler.answers import EARLY, EDGE, EDGE_DOMAIN, KEY_INVALID, RETRY_AFTER_S, WAIT, code_of
from compiler.model import Contract, RateLimit, Rpc

PATH = "gen/envoy/edge.json"
Json = dict[str, Any]
_RPC = "type.googleapis.com/google.rpc"
_EXTENSION = "type.googleapis.com/envoy.extensions.filters.http"
_RETRY_ON = {
    "always": "connect-failure,refused-stream,reset-before-request,unavailable,reset",
    "by_request_id": "connect-failure,refused-stream,reset-before-request",
    "never": "connect-failure,refused-stream",
}
"""The edge cannot see whether a request carries a `request_id`: it repeats mutations only if they were never sent."""
_BUCKET_TICK_S = 0.05
"""Shortest time between two refills that Envoy takes."""


def render(contract: Contract) -> Mapping[str, str]:
    """One JSON document."""
    routed = [rpc for rpc in contract.rpcs if rpc.policy.access != "internal"]
    document = {
        "processes": contract.processes,
        "services": sorted({rpc.service for rpc in routed if rpc.bindings}),
        "errors": [_unknown_caller(contract), *_bad_keys(contract), *_errors(contract)],
        "routes": [route(rpc) for rpc in routed],
    }
    return {PATH: json.dumps(document, indent=1) + "\n"}


def route(rpc: Rpc) -> Json:
    """The route of one RPC: deadline, retries, access, rate limit."""
    filters: Json = {}
    if rpc.policy.access == "public":
        filters |= _open()
    if rpc.policy.rate_limit:
        filters["envoy.filters.http.local_ratelimit"] = _rate_limit(rpc.policy.rate_limit, rpc)
    limits = {"typed_per_filter_config": filters} if filters else {}
    return {"name": rpc.full_name, "match": {"path": rpc.path}, "route": _target(rpc), **limits}


def _target(rpc: Rpc) -> Json:
    """`timeout: 0s` with max_stream_duration is the only deadline that clients and servers see alike."""
    duration = _duration(rpc.policy.timeout_s)
    deadline: Json = {"max_stream_duration": {"max_stream_duration": duration, "grpc_timeout_header_max": duration}}
    if rpc.client_streaming or rpc.server_streaming:
        deadline = {"idle_timeout": duration}
    return {"cluster": rpc.process, "timeout": "0s", **deadline, "retry_policy": _retries(rpc)}


def _retries(rpc: Rpc) -> Json:
    return {
        "retry_on": _RETRY_ON[rpc.policy.repeatable],
        "num_retries": 2,
        "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
        "host_selection_retry_max_attempts": 3,
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                },
            }
        ],
    }


def _open() -> Json:
    """No token is asked for; the frame asks for one everywhere else."""
    return {
        "envoy.filters.http.jwt_authn": {"@type": f"{_EXTENSION}.jwt_authn.v3.PerRouteConfig", "disabled": True},
        "envoy.filters.http.rbac": {"@type": f"{_EXTENSION}.rbac.v3.RBACPerRoute"},
        "envoy.filters.http.ext_authz": {"@type": f"{_EXTENSION}.ext_authz.v3.ExtAuthzPerRoute", "disabled": True},
    }


def _rate_limit(limit: RateLimit, rpc: Rpc) -> Json:
    """A bucket for each address or caller. The bucket for all, which the filter demands, never runs dry."""
    always: Json = {"default_value": {"numerator": 100}}
    action, key = _descriptor(limit)
    interval_s = max(limit.per_s / limit.refill, _BUCKET_TICK_S)
    bucket = _bucket(limit.burst, max(1, round(limit.refill * interval_s / limit.per_s)), interval_s)
    return {
        "@type": f"{_EXTENSION}.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": f"{rpc.service}.{rpc.name}",
        "token_bucket": _bucket(2**31, 2**31, _BUCKET_TICK_S),
        "filter_enabled": always,
        "filter_enforced": always,
        "rate_limited_as_resource_exhausted": True,
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
        "response_headers_to_add": [{"header": {"key": "retry-after", "value": str(max(1, round(interval_s)))}}],
        "max_dynamic_descriptors": 10_000,
        "rate_limits": [{"actions": [action]}],
        "descriptors": [{"entries": [{"key": key}], "token_bucket": bucket}],
    }


def _descriptor(limit: RateLimit) -> tuple[Json, str]:
    if limit.key == "caller":
        return {"request_headers": {"header_name": "x-user-id", "descriptor_key": "caller"}}, "caller"
    prefix = {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}  # one household of IPv6 is one address
    return {"masked_remote_address": prefix}, "masked_remote_address"


def _bucket(burst: int, refill: int, interval_s: float) -> Json:
    return {"max_tokens": burst, "tokens_per_fill": refill, "fill_interval": _duration(interval_s)}


def _errors(contract: Contract) -> Iterator[Json]:
    """Mappers that give Envoy's own answers the shape of ours. The last takes whatever failure is left."""
    for status in EARLY:
        unnumbered = {"header": {"name": "x-request-id", "present_match": True, "invert_match": True}}
        both = {"and_filter": {"filters": [_status("EQ", status), {"header_filter": unnumbered}]}}
        yield {"filter": both, **_answer(contract, status, EARLY[status], numbered=False)}
    for status, (_, message) in EDGE.items():
        yield {"filter": _status("EQ", status), **_answer(contract, status, message)}
    yield {"filter": _status("GE", 400), **_answer(contract, 500, EDGE[500][1])}


def _status(op: str, status: int) -> Json:
    return {
        "status_code_filter": {
            "comparison": {"op": op, "value": {"default_value": status, "runtime_key": f"local_reply.{status}"}}
        }
    }


def _unknown_caller(contract: Contract) -> Json:
    """Envoy answers 403 to a token for somebody else, and where there is none: nobody is known to be the caller, so 401."""
    nobody = _details("response.code_details.contains('Audiences') || response.code_details.contains('rbac_access_denied')")
    return {"filter": nobody, "status_code": 401, **_answer(contract, 401, EDGE[401][1])}


def _bad_keys(contract: Contract) -> Iterator[Json]:
    """What auth refuses of API keys, in its own words: the text that it denied with."""
    asked = _details("response.code_details.contains('ext_authz_denied')")
    for status, reason in ((401, KEY_INVALID), (429, EDGE[429][0])):
        both = {"and_filter": {"filters": [_status("EQ", status), asked]}}
        yield {"filter": both, **_answer(contract, status, "%LOCAL_REPLY_BODY%", reason=reason)}


def _details(expression: str) -> Json:
    cel = "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"
    typed = {"@type": cel, "expression": expression}
    return {"extension_filter": {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": typed}}


def _answer(contract: Contract, status: int, message: str, *, numbered: bool = True, reason: str = "") -> Json:
    """`numbered`: whether the request has its id already. Without a `reason`, the one of the status."""
    reason = reason or EDGE[status][0]
    details: list[Json] = [{"@type": f"{_RPC}.ErrorInfo", "reason": reason, "domain": EDGE_DOMAIN, "metadata": {}}]
    headers: Json = {}
    if status in WAIT:
        details.append({"@type": f"{_RPC}.RetryInfo", "retryDelay": "%RESP(RETRY-AFTER)%s"})
        wait = {"header": {"key": "retry-after", "value": str(RETRY_AFTER_S)}, "append_action": "ADD_IF_ABSENT"}
        headers = {"headers_to_add": [wait]}
    if numbered:
        details.append({"@type": f"{_RPC}.RequestInfo", "requestId": "%REQ(X-REQUEST-ID)%", "servingData": ""})
    body = {"code": code_of(contract.reasons("common")[reason]), "message": message, "details": details}
    return {"body_format_override": {"json_format": body}, **headers}


def _duration(seconds: float) -> str:
    return f"{seconds:g}s"
