"""Gives every mutation an identity, and a repeated one its first answer.

Only the identity is made here. It is claimed in the transaction of the effect (`db/session.py`), so that the record commits
with the effect. Of a client's stream each message is a piece of work for itself: its servicer says which, with `Pieces`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

from services.chassis import repeat
from services.chassis.errors import invalid_field
from services.chassis.keys import Keyring
from services.chassis.rpc.middleware import Call, Handler, Method, Middleware

M = TypeVar("M", bound=Message)

HEADER = "idempotency-key"
MAX_KEY_LENGTH = 128


def repeatable(keyring: Keyring) -> Middleware:
    """Let a mutation that carries a `request_id` (or the `Idempotency-Key` header) be sent again (AIP-155)."""

    def around(handle: Handler, method: Method) -> Handler:
        if method.policy.repeatable != "by_request_id" or method.streams_in:
            return handle
        response_type = method.response_type

        async def handler(call: Call) -> Any:
            repeat.current.set(_identity(keyring, method.policy.method, call))
            try:
                return await handle(call)
            except repeat.AlreadyDone as done:
                return response_type.FromString(done.answer)

        return handler

    return around


@dataclass(frozen=True, slots=True)
class Pieces:
    """The work of a stream in pieces, each of which is done once under the stream's request_id."""

    keyring: Keyring
    method: str
    """The RPC's path, `/trellis.user.v1.ImportService/ImportUsers`."""
    caller: str
    request_id: str
    validate_only: bool

    async def once(self, piece: str, request: Message, answer_type: type[M], work: Callable[[], Awaitable[M]]) -> M:
        """Return what `work` answers, or what it answered before. Raises RequestIdReused for a piece that was another."""
        asked = repeat.current.set(self._identity(piece, request))
        try:
            return await work()
        except repeat.AlreadyDone as done:
            return answer_type.FromString(done.answer)
        finally:
            repeat.current.reset(asked)

    def _identity(self, piece: str, request: Message) -> repeat.Request:
        names = (self.caller, self.method, self.request_id.lower(), piece)
        key = self.keyring.mac("piece", *(name.encode() for name in names))
        fingerprint = self.keyring.mac("fingerprint", request.SerializeToString(deterministic=True))
        return repeat.Request(key, fingerprint, self.validate_only)


def _identity(keyring: Keyring, method: str, call: Call) -> repeat.Request:
    request = call.request
    request_id = request.request_id or call.metadata.get(HEADER, "")
    if not request_id:
        return repeat.Request(validate_only=request.validate_only)
    if len(request_id) > MAX_KEY_LENGTH:
        raise invalid_field("request_id", f"must be at most {MAX_KEY_LENGTH} characters.", "string.max_len")
    key = keyring.mac("request", call.principal.subject.encode(), method.encode(), request_id.lower().encode())
    fingerprint = keyring.mac("fingerprint", _body(request))
    return repeat.Request(key, fingerprint, request.validate_only)


def _body(request: Message) -> bytes:
    """Return the request without its id, which may come in capitals or in the header the second time."""
    body = type(request)()
    body.CopyFrom(request)
    body.ClearField("request_id")
    return body.SerializeToString(deterministic=True)
