"""One shape for everything that happens around an RPC.

A middleware takes the next handler and the method's facts and returns a handler: `around(next, method) -> handler`. It is
composed once per method, so whatever it can decide from the policy it decides then, not per call. One shape serves all four
kinds of RPC: a streaming servicer method is an async generator, and its messages are written by the innermost handler. Of a
client's stream, a middleware sees the messages: it adds a check that each of them passes before the servicer has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import grpc
from google.protobuf.message import Message

from services.chassis.principal import ANONYMOUS, Principal
from trellis.policies import Policy

Check = Callable[[Any], Awaitable[None]]


class Messages:
    """What a client streams. The first message can be looked at before any is handed out."""

    def __init__(self, source: AsyncIterable[Any]) -> None:
        self._source = source
        self._arriving: AsyncIterator[Any] | None = None  # begun with the first wait: a refused call reads nothing
        self._checks: list[Check] = []
        self._ahead: list[Any] = []
        self._patience_s: float | None = None

    def check(self, check: Check) -> None:
        """Let every message pass `check`, after those that were added before. It raises ServiceError."""
        self._checks.append(check)

    def hurry(self, patience_s: float) -> None:
        """Wait `patience_s` for a message, then raise TimeoutError."""
        self._patience_s = patience_s

    async def first(self) -> Any:
        """Return the first message, unchecked, before it is handed out; None if there is none."""
        if not self._ahead:
            try:
                self._ahead.append(await self._next())
            except StopAsyncIteration:
                return None
        return self._ahead[0]

    def __aiter__(self) -> Messages:
        return self

    async def __anext__(self) -> Any:
        message = self._ahead.pop() if self._ahead else await self._next()
        for check in self._checks:
            await check(message)
        return message

    async def _next(self) -> Any:
        if self._arriving is None:
            self._arriving = aiter(self._source)
        async with asyncio.timeout(self._patience_s):
            return await anext(self._arriving)


@dataclass(slots=True)
class Call:
    """One running call; what costs microseconds to read from grpc is read once."""

    request: Any
    """The request message, or `Messages` when the client streams."""
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
        given = Messages(request) if method.streams_in else request
        return await handler(Call(given, context, _metadata(context)))

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
