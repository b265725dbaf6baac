"""Rate, errors and duration of every call, a span of its own and one log line.

The span follows OpenTelemetry's RPC conventions. It is written here rather than by the instrumentation package because
that costs a third of the whole call where nothing is sampled (see docs/decisions).
"""

from __future__ import annotations

import time
from typing import Any

import grpc
from opentelemetry import context, metrics, propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from services.chassis import telemetry
from services.chassis.rpc.middleware import Call, Handler, Method, Middleware

_FAULTS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


def traced() -> Middleware:
    """Put the call into a server span that continues the caller's trace."""
    tracer = trace.get_tracer("trellis.chassis")

    def around(handle: Handler, method: Method) -> Handler:
        name = method.policy.method.removeprefix("/")
        attributes = {"rpc.system.name": "grpc", "rpc.method": name}

        async def handler(call: Call) -> Any:
            parent = propagate.extract(call.metadata) if "traceparent" in call.metadata else None
            span = tracer.start_span(name, parent, SpanKind.SERVER, attributes)
            token = context.attach(trace.set_span_in_context(span))
            try:
                return await handle(call)
            finally:
                context.detach(token)
                if span.is_recording():
                    _finish(span, call)
                span.end()

        return handler

    return around


def _finish(span: Span, call: Call) -> None:
    span.set_attribute("rpc.response.status_code", call.code.name)
    if call.code in _FAULTS:
        span.set_status(StatusCode.ERROR, call.reason)


def observed(service: str) -> Middleware:
    """Count and time the call, and log it: what was called, by whom, how it ended and how long it took."""
    duration = metrics.get_meter("trellis.chassis").create_histogram(
        "rpc.server.call.duration", "s", "Duration of calls as the server sees them."
    )

    calls = telemetry.CallLog(service)

    def around(handle: Handler, method: Method) -> Handler:
        short = method.policy.method.removeprefix("/")
        attributes = {code: {"rpc.method": short, "rpc.response.status_code": code.name} for code in grpc.StatusCode}
        audited = method.policy.audited

        async def handler(call: Call) -> Any:
            began = time.perf_counter()
            try:
                return await handle(call)
            except BaseException:
                if call.code is grpc.StatusCode.OK:  # cancelled by its caller: nothing was sent
                    call.code = grpc.StatusCode.CANCELLED
                raise
            finally:
                elapsed_s = time.perf_counter() - began
                duration.record(elapsed_s, attributes[call.code])
                calls.write(_entry(call, short, elapsed_s, audited))

        return handler

    return around


def _entry(call: Call, rpc: str, elapsed_s: float, audited: bool) -> dict[str, Any]:
    principal = call.principal
    entry = {
        "rpc": rpc,
        "code": call.code.name,
        "ms": round(elapsed_s * 1000, 2),
        "caller": principal.subject,
        "organization": principal.organization,
    }
    if call.reason:
        entry["reason"] = call.reason
    if audited:
        entry["audit"] = True
    return entry
