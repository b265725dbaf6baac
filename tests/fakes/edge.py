"""The real edge in front of servers that answer every RPC of the contract with an empty message, and know some API keys."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from google.api import httpbody_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from joserfc import jwt
from joserfc.jwk import ECKey

from compiler import edge
from compiler.model import Contract
from extauthz.v3 import external_auth_pb2_grpc as authz
from services.auth.handlers.key_exchange import ApiKeyInvalid, Exchanged
from services.auth.servicer.authorization import AuthorizationServicer
from services.chassis.errors import ServiceError
from services.chassis.principal import ANONYMOUS

ISSUER, AUDIENCE = "https://auth.trellis.local", "trellis"


@dataclass
class Seen:
    """What reached the stub services."""

    method: str
    metadata: dict[str, str]
    remaining_s: float | None


@dataclass
class Edge:
    """The running edge, its key and what came through."""

    base: str
    target: str
    admin: str
    keys: list[ECKey]
    seen: list[Seen] = field(default_factory=list)
    failing: dict[str, grpc.StatusCode] = field(default_factory=dict)
    """RPCs that answer with an error."""
    waits: dict[str, str] = field(default_factory=dict)
    """RPCs whose error says when to come back, in seconds."""
    silent: set[str] = field(default_factory=set)
    """RPCs that never answer."""
    probes: list[health.aio.HealthServicer] = field(default_factory=list)
    """The health of auth and of user."""
    api_keys: dict[str, str | ServiceError] = field(default_factory=dict)
    """Whose each secret is, or how it is refused; others are unknown."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Secret and address of every question about an API key."""

    async def exchange(self, secret: str, address: str) -> Exchanged:
        """What auth's KeyExchange does, with the keys of here."""
        self.asked.append((secret, address))
        subject = self.api_keys.get(secret, ApiKeyInvalid())
        if isinstance(subject, ServiceError):
            raise subject
        return Exchanged(subject, self.token(sub=subject), datetime.max.replace(tzinfo=UTC), ANONYMOUS)

    @property
    def came(self) -> list[Seen]:
        """What callers sent; the edge itself fetches keys now and then, which is nobody's call."""
        return [seen for seen in self.seen if not seen.method.endswith("/GetJwks")]

    def token(self, *, key: ECKey | None = None, typ: str = "at+jwt", **claims: Any) -> str:
        """An access token; each claim and the key can be another."""
        key = key or self.keys[-1]
        now = int(time.time())
        good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "users/usr_a", "iat": now, "exp": now + 600}
        return jwt.encode({"alg": "ES256", "kid": key.kid, "typ": typ}, {**good, **claims}, key)


@asynccontextmanager
async def running(contract: Contract, home: Path) -> AsyncIterator[Edge]:
    """Envoy and the stub services, until the block ends."""
    (home / "logs").mkdir()
    names = ["edge", "envoy_admin", "jwks", "auth_a", "auth_b", "user_a", "user_b"]
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    base = f"http://127.0.0.1:{ports['edge']}"
    state = Edge(base, f"127.0.0.1:{ports['edge']}", f"http://127.0.0.1:{ports['envoy_admin']}", [new_key("k1")])
    servers = [await _serve(contract, state, ports[port]) for port in ("auth_a", "user_a")]
    config = home / "envoy.json"
    config.write_text(json.dumps(edge.compose(ports, home)))
    envoy = _start(config)
    try:
        await _until(lambda: _ready(state, ports))
        yield state
    finally:
        envoy.terminate()
        envoy.wait(10)
        for server in servers:
            await server.stop(None)


def new_key(kid: str) -> ECKey:
    """A key as auth publishes its own: with its one algorithm, or Envoy would not look at a token's."""
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


def _start(config: Path) -> subprocess.Popen[bytes]:
    envoy = Path(sys.executable).parent / "envoy"
    arguments = ["-c", str(config), "--disable-hot-restart", "--concurrency", "1", "-l", "warning"]
    return subprocess.Popen([envoy, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def _serve(contract: Contract, state: Edge, port: int) -> grpc.aio.Server:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((_Everything(contract, state),))
    authz.add_AuthorizationServicer_to_server(AuthorizationServicer(state), server)
    probe = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(probe, server)
    state.probes.append(probe)
    await probe.set("", health_pb2.HealthCheckResponse.SERVING)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    return server


class _Everything(grpc.GenericRpcHandler):
    """Answers each RPC of the contract."""

    def __init__(self, contract: Contract, state: Edge) -> None:
        self._paths, self._state = {rpc.path for rpc in contract.rpcs}, state

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        if details.method not in self._paths:
            return None

        async def answer(_request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
            metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
            self._state.seen.append(Seen(details.method, metadata, context.time_remaining()))
            if details.method in self._state.silent:
                await asyncio.Event().wait()
            if wait := self._state.waits.get(details.method):
                context.set_trailing_metadata((("retry-after", wait),))
            if code := self._state.failing.get(details.method):
                await context.abort(code, "as asked")
            return self._jwks() if details.method.endswith("/GetJwks") else b""

        return grpc.unary_unary_rpc_method_handler(answer)

    def _jwks(self) -> bytes:
        keys = json.dumps({"keys": [key.as_dict(private=False) for key in self._state.keys]})
        body = httpbody_pb2.HttpBody(content_type="application/json", data=keys.encode())
        return bytes(body.SerializeToString())


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


async def _until(ready: Callable[[], bool], tries: int = 300) -> None:
    for _ in range(tries):
        if await asyncio.to_thread(ready):
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("the edge did not get ready")


def _ready(state: Edge, ports: dict[str, int]) -> bool:
    """Whether the edge takes a token and sees both services."""
    try:
        with urllib.request.urlopen(f"{state.admin}/clusters", timeout=1) as answer:
            clusters = answer.read().decode()
        healthy = all(
            f"{name}::127.0.0.1:{ports[f'{name}_a']}::health_flags::healthy" in clusters for name in ("auth", "user")
        )
        headers = {"authorization": f"Bearer {state.token()}"}
        request = urllib.request.Request(f"{state.base}/v1/users/me", headers=headers)
        with urllib.request.urlopen(request, timeout=1) as answer:
            return healthy and answer.status == 200
    except OSError:
        return False
