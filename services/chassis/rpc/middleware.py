"""One shape for everything that happens around an RPC.

A middleware takes the next handler and the method's facts and returns a handler: `around(next, method) -> handler`. It is
composed once per method, so whatever it can decide from the policy it decides then, not per call. One shape serves all four
kinds of RPC: a streaming servicer method is an async generator, and its messages are written by the innermost handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import grpc
from google.protobuf.message import Message

from services.chassis.principal import ANONYMOUS, Principal
from trellis.policies import Policy


@dataclass(slots=True)
class Call:
    """One running call; what costs microseconds to read from grpc is read once."""

    request: Any
    """The request message, or the iterator of messages when the client streams."""
    context: grpc.aio.ServicerContext[Any, Any]
    metadata: dict[str, str]
    principal: Principal = ANONYMOUS
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """What is known of an RPC before it is called."""

    policy: Policy
    request_type: type[Message]
    response_type: type[Message]
    streams_in: bool
    streams_out: bool
    name: str = field(default="")
    """The RPC's short name, `GetUser`."""


Handler = Callable[[Call], Awaitable[Any]]
Middleware = Callable[[Handler, Method], Handler]


def surrounded(servicer: Any, methods: Sequence[Method], middleware: Sequence[Middleware]) -> Any:
    """Return what is registered in the servicer's place: its methods, each inside the middleware, outermost first."""
    served = {method.name: _served(getattr(servicer, method.name), method, middleware) for method in methods}
    return SimpleNamespace(**served)


def _served(servicer_method: Callable[..., Any], method: Method, middleware: Sequence[Middleware]) -> Callable[..., Any]:
    handler = _written(servicer_method) if method.streams_out else _answered(servicer_method)
    for around in reversed(middleware):
        handler = around(handler, method)

    async def serve(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        return await handler(Call(request, context, _metadata(context)))

    return serve


def _metadata(context: grpc.aio.ServicerContext[Any, Any]) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def _answered(servicer: Callable[..., Awaitable[Any]]) -> Handler:
    async def handler(call: Call) -> Any:
        return await servicer(call.request, call.context)

    return handler


def _written(servicer: Callable[..., Any]) -> Handler:
    async def handler(call: Call) -> None:
        async for message in servicer(call.request, call.context):
            await call.context.write(message)

    return handler
