"""`envoy.service.auth.v3.Authorization`: what the edge asks about a request that carries an API key.

Texts are plain: the edge makes of them the JSON of all its errors, or the message of gRPC. What is not answered here (a
database that is away) is an error to the edge, which then lets nothing through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import grpc
from google.rpc import code_pb2, status_pb2
from opentelemetry import metrics

from extauthz.v3 import external_auth_pb2 as pb
from extauthz.v3 import external_auth_pb2_grpc as base
from services.auth.handlers.key_exchange import ApiKeyInvalid, Exchanged
from services.chassis.errors import ResourceExhausted, ServiceError, Unauthenticated, Unavailable

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

API_KEY = "x-api-key"
VERIFIED = "x-user-id"
"""Whom the edge already knows by an access token; no caller can send it."""
TRANSCODED = "x-envoy-original-method"
"""Only the edge sets it, where it turned REST into gRPC."""
OVERWRITE = 2
_DENIED: dict[type[ServiceError], tuple[code_pb2.Code, int]] = {
    Unauthenticated: (code_pb2.UNAUTHENTICATED, 401),
    ResourceExhausted: (code_pb2.RESOURCE_EXHAUSTED, 429),
    Unavailable: (code_pb2.UNAVAILABLE, 503),
}


class Exchange(Protocol):
    """Exchanges secrets for access tokens."""

    async def exchange(self, secret: str, address: str) -> Exchanged:
        """Raises ApiKeyInvalid, TooManyGuesses, MembershipUnavailable."""
        ...


class AuthorizationServicer(base.AuthorizationServicer):
    """`envoy.service.auth.v3.Authorization`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._checks = metrics.get_meter("trellis.auth").create_counter(
            "auth.api_key.checks", description="API keys that the edge asked about, by how it ended."
        )

    async def Check(self, request: pb.CheckRequest, context: Context) -> pb.CheckResponse:
        headers = request.attributes.request.http.headers
        address = request.attributes.source.address.socket_address.address
        try:
            if headers.get(VERIFIED):
                raise ApiKeyInvalid("Send an access token or an API key, not both.")
            exchanged = await self._exchange.exchange(headers.get(API_KEY, ""), address)
        except ServiceError as error:
            self._checks.add(1, {"reason": error.reason})
            return _denied(error, rest=TRANSCODED in headers)
        self._checks.add(1, {"reason": ""})
        return _allowed(exchanged)


def _allowed(exchanged: Exchanged) -> pb.CheckResponse:
    headers = {"authorization": f"Bearer {exchanged.access_token}", VERIFIED: exchanged.subject}
    return pb.CheckResponse(
        status=status_pb2.Status(code=code_pb2.OK),
        ok_response=pb.OkHttpResponse(headers=_headers(headers), headers_to_remove=[API_KEY]),
    )


def _denied(error: ServiceError, *, rest: bool) -> pb.CheckResponse:
    code, status = next(
        (known for kind, known in _DENIED.items() if isinstance(error, kind)), (code_pb2.PERMISSION_DENIED, 403)
    )
    answered = {"retry-after": str(max(1, round(error.retry_after_s)))} if error.retry_after_s else {}
    if not rest:
        answered["grpc-status"] = str(code)  # the edge would make UNAVAILABLE of 429, and clients try again at once
    return pb.CheckResponse(
        status=status_pb2.Status(code=code),
        denied_response=pb.DeniedHttpResponse(
            status=pb.HttpStatus(code=status), headers=_headers(answered), body=error.message
        ),
    )


def _headers(values: dict[str, str]) -> list[pb.HeaderValueOption]:
    return [
        pb.HeaderValueOption(header=pb.HeaderValue(key=name, value=value), append_action=OVERWRITE)
        for name, value in values.items()
    ]
