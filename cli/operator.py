"""Calls to services as the operator: past the edge, with the operator's own key from the home."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cli.home import OPERATOR, Home

TIMEOUT_S = 10.0


def call(here: Home, service: str, stub: Callable[[Any], Any], method: str, request: Any) -> Any:
    """Return the answer of an internal RPC. Raises Failed with what the service said, or NotReady."""
    import grpc

    from cli.edge import refused
    from cli.engines.services import target_of

    target = target_of(here.ports, service)
    metadata = [("authorization", f"Bearer {_token(here)}")]
    with grpc.insecure_channel(target) as channel:
        try:
            return getattr(stub(channel), method)(request, timeout=TIMEOUT_S, metadata=metadata)
        except grpc.RpcError as error:
            refused(error, target)


def _token(here: Home) -> str:
    """Return a token that proves to be the operator, for a minute."""
    import json

    from joserfc.jwk import ECKey

    from services.chassis.clock import utc_now
    from services.chassis.config import ServiceConfig
    from services.chassis.tokens import ServiceTokens

    key = ECKey.import_key(json.loads(here.service_key(OPERATOR)))
    audience = str(ServiceConfig.model_fields["audience"].default)
    return ServiceTokens(key, audience=audience, clock=utc_now).token()
