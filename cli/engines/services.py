"""The services of Trellis itself, as one process tree under the warm parent `services.host`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.engines.postgres import PostgresEngine
from cli.engines.process import Command
from cli.engines.secret import write_private
from cli.engines.valkey import ValkeyEngine
from cli.home import ROOT, SERVICES, Home

GENERATED = ROOT / "gen" / "python"


class ServicesEngine:
    """The host of auth and user; ready when every one of them is."""

    name = "services"
    stop_signal = signal.SIGTERM
    grace_s = 20.0  # longer than a drain

    def __init__(self, home: Home, postgres: PostgresEngine, valkey: ValkeyEngine, workers: int) -> None:
        self.home, self.workers = home, workers
        self._postgres, self._valkey = postgres, valkey

    def prepare(self) -> None:
        """Write the plan that the host reads."""
        plan = {
            "services": {service: self._plan(service) for service in SERVICES},
            "workers": self.workers,
            "table": str(self.table),
        }
        self.table.unlink(missing_ok=True)
        write_private(self._path, json.dumps(plan, indent=1))

    def command(self) -> Command:
        path = os.pathsep.join([str(ROOT), str(GENERATED), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        env = {**os.environ, "TRELLIS_HOST_PLAN": str(self._path), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
        return Command([sys.executable, "-m", "services.host"], env=env, takes_lines=True)

    def ready(self, pid: int) -> bool:
        return self.unready() == []

    def settle(self) -> None:
        """Nothing to do."""

    def children(self) -> list[dict[str, Any]]:
        """Return the host's table: name, pid, state, slot and restarts of each process."""
        try:
            rows: list[dict[str, Any]] = json.loads(self.table.read_text())
        except (OSError, ValueError):
            return []
        return rows

    def unready(self) -> list[str]:
        """The services that nobody serves right now."""
        ready = {row["name"] for row in self.children() if row["state"] == "ready"}
        return [service for service in SERVICES if service not in ready]

    @property
    def table(self) -> Path:
        return self.home.run / "services.json"

    @property
    def _path(self) -> Path:
        return self.home.run / "plan.json"

    def _plan(self, service: str) -> dict[str, Any]:
        ports = self.home.ports
        slots = [[ports[f"{service}_{slot}"], ports[f"{service}_{slot}_metrics"]] for slot in "ab"]
        return {"env": self._env(service), "slots": slots}

    def _env(self, service: str) -> dict[str, str]:
        return {name: os.environ.get(own_name(service, name), value) for name, value in self.made(service).items()}

    def made(self, service: str) -> dict[str, str]:
        """Return what a service is given here, unless the environment has something else for it."""
        return {
            "TRELLIS_DATABASE_URL": self._postgres.url(database_of(service)),
            "TRELLIS_VALKEY_URL": self._valkey.url(),
            "TRELLIS_ROOT_SECRET": self.home.root_secret(service),
            "TRELLIS_SERVICE_KEY": self.home.service_key(service),
            "TRELLIS_SERVICE_KEYS": self.home.service_keys(),
            "TRELLIS_MAIL_URL": f"outbox:{self.home.mail}",
            **{f"TRELLIS_{name.upper()}_TARGET": target_of(self.home.ports, name) for name in SERVICES},
        }


def own_name(service: str, name: str) -> str:
    """Return the variable that sets `name` for one service: `TRELLIS_DATABASE_URL` → `TRELLIS_AUTH_DATABASE_URL`."""
    return name.replace("TRELLIS_", f"TRELLIS_{service.upper()}_", 1)


def database_of(service: str) -> str:
    """Return the name of a service's own database."""
    return f"trellis_{service}"


def target_of(ports: Mapping[str, int], service: str) -> str:
    """Return both slots of a service as a gRPC target."""
    return "ipv4:" + ",".join(f"127.0.0.1:{ports[f'{service}_{slot}']}" for slot in "ab")
