"""Joins `gateway-envoy/frame.yaml`, written by hand, with `gen/envoy/edge.json`, derived from the contract.

`${name}` in the frame stands for a value; where it is all of a text, the value may be a list or a mapping, and a list
is spliced into the list around it. What stands for nothing is left out.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from compiler.buf import ROOT

FRAME = ROOT / "gateway-envoy/frame.yaml"
DERIVED = ROOT / "gen/envoy/edge.json"
DESCRIPTOR = ROOT / "gen/descriptor/trellis.binpb"
OPENAPI = ROOT / "gen/openapi/trellis.json"
DOCS = ROOT / "gateway-envoy/docs"
_PLACEHOLDER = re.compile(r"\$\{([a-z_]+)\}")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where there is one: ten times as fast, and the start is counted in seconds."""


def compose(
    ports: Mapping[str, int], home: Path, *, otlp_port: int | None = None, trace_percent: float = 1.0
) -> dict[str, Any]:
    """Envoy's bootstrap configuration.

    `ports` holds `edge`, `envoy_admin`, `jwks` and the two slots of each process (`auth_a`, `auth_b`, …). Without
    `otlp_port` nothing is traced, with it `trace_percent` of the requests. Envoy takes the result as JSON.
    """
    frame = yaml.load(FRAME.read_text(), _Loader)  # noqa: S506 - both loaders are safe ones
    derived = json.loads(DERIVED.read_text())
    service_cluster = frame.pop("service_cluster")
    tracing, collector = frame.pop("tracing"), frame.pop("collector_cluster")
    clusters = [_service(service_cluster, name, name, ports) for name in derived["processes"]]
    clusters += [_service(service_cluster, name, "auth", ports) for name in ("jwks_origin", "api_keys")]
    values = {
        **{f"{name}_port": port for name, port in ports.items()},
        "descriptor": str(DESCRIPTOR),
        "openapi": str(OPENAPI),
        "docs": str(DOCS),
        "access_log": str(home / "logs/access.log"),
        "services": derived["services"],
        "errors": derived["errors"],
        "routes": derived["routes"],
        "clusters": clusters,
        "otlp_port": otlp_port,
        "tracing": _fill(tracing, {"trace_percent": trace_percent}) if otlp_port else None,
        "collector": [_fill(collector, {"otlp_port": otlp_port})] if otlp_port else [],
    }
    config: dict[str, Any] = _fill(frame, values)
    return config


def _service(template: Any, name: str, process: str, ports: Mapping[str, int]) -> Any:
    """The cluster of a process with its two slots; all but one are usually empty, and the health checks know."""
    slots = {"name": name, "slot_a": ports[f"{process}_a"], "slot_b": ports[f"{process}_b"]}
    return _fill(copy.deepcopy(template), slots)


def _fill(node: Any, values: Mapping[str, Any]) -> Any:
    """The node with every placeholder replaced."""
    if isinstance(node, str):
        return _text(node, values)
    if isinstance(node, list):
        return [item for child in node for item in _spliced(child, _fill(child, values))]
    if isinstance(node, dict):
        filled = {key: _fill(child, values) for key, child in node.items()}
        return {key: child for key, child in filled.items() if child is not None}
    return node


def _spliced(child: Any, filled: Any) -> list[Any]:
    return filled if isinstance(child, str) and isinstance(filled, list) else [filled]


def _text(text: str, values: Mapping[str, Any]) -> Any:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole:
        return values[whole[1]]
    return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), text)
