"""Calls to other services: a channel per target, the caller's token, a deadline within the running call's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import grpc
from opentelemetry import propagate

from trellis.policies import POLICIES

_RETRIES = {
    "maxAttempts": 5,  # about 0.75 s, for what was under way when a backend died. `retryThrottling` ends them in an outage
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


class Authorized(grpc.aio.UnaryUnaryClientInterceptor):
    """Adds this service's token, the running trace and the contract's deadline to every call.

    The deadline is given with the call: one from the service config counts from a clock that is off by seconds in one
    process of a few hundred, whose calls then fail before they begin (grpc/grpc#40633).
    """

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        carrier: dict[str, str] = {"authorization": f"Bearer {self._token()}"}
        propagate.inject(carrier)
        metadata = grpc.aio.Metadata(*(details.metadata or ()), *carrier.items())
        timeout_s = details.timeout or POLICIES[_text(details.method)].timeout_s
        return await continuation(details._replace(metadata=metadata, timeout=timeout_s), request)


def _text(method: str | bytes) -> str:
    return method.decode() if isinstance(method, bytes) else method


def channel(target: str, token: Callable[[], str]) -> grpc.aio.Channel:
    """Open a channel that leaves drained backends, waits for restarting ones and repeats only what the contract lets it."""
    return grpc.aio.insecure_channel(
        target,
        interceptors=[Authorized(token)],
        options=[
            ("grpc.service_config", json.dumps(_service_config())),
            ("grpc.enable_retries", 1),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 500),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.use_local_subchannel_pool", 1),
        ],
    )


def _service_config() -> dict[str, Any]:
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
        "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
        "methodConfig": [_method_config(method) for method in POLICIES],
    }


def _method_config(path: str) -> dict[str, Any]:
    _, service, method = path.split("/")
    policy = POLICIES[path]
    config: dict[str, Any] = {"name": [{"service": service, "method": method}]}
    if policy.repeatable == "always":
        config["waitForReady"] = True  # a restart costs the caller some time within the deadline, and is no failure
        config["retryPolicy"] = _RETRIES
    return config
