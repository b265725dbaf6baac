"""One shape for everything that happens around an RPC.

A middleware takes the next handler and the method's facts and returns a handler: `around(next, method) -> handler`. It is
composed once per method, so whatever it can decide from the policy it decides then, not per call. One shape serves all four
kinds of RPC: a streaming servicer method is an async generator, and its messages are written by the innermost handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_interceptor.server import AsyncServerInterceptor

from services.chassis.principal import ANONYMOUS, Principal
from trellis.policies import POLICIES, Policy


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


class Chain(AsyncServerInterceptor):
    """Runs the middleware around every method that the contract knows; health and reflection pass untouched."""

    def __init__(self, middleware: Sequence[Middleware], methods: dict[str, Method]) -> None:
        self._middleware = middleware
        self._methods = methods
        self._handlers: dict[str, Handler] = {}

    async def intercept(self, method: Callable[..., Any], request_or_iterator: Any, context: Any, method_name: str) -> Any:
        handler = self._handlers.get(method_name) or self._compose(method, method_name)
        if handler is None:
            answer = method(request_or_iterator, context)
            return answer if hasattr(answer, "__aiter__") else await answer
        return await handler(Call(request_or_iterator, context, _metadata(context)))

    def _compose(self, servicer: Callable[..., Any], method_name: str) -> Handler | None:
        if method_name not in POLICIES:
            return None
        method = self._methods[method_name]
        handler = _written(servicer) if method.streams_out else _answered(servicer)
        for middleware in reversed(self._middleware):
            handler = middleware(handler, method)
        self._handlers[method_name] = handler
        return handler


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
