"""One running platform, as an operator sees it: the command line, the processes, the databases."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from cli.control import NotRunning, ask
from cli.engines.postgres import PostgresEngine
from cli.engines.valkey import ValkeyEngine
from cli.home import PORT_NAMES, ROOT, Home, all_free, ports_from

ENGINES = ("postgres", "valkey", "envoy")
SERVICES = ("auth", "user")
_POLL_S = 0.05
Found = TypeVar("Found")


@dataclass(frozen=True)
class Platform:
    """The platform of one home, which may run or not."""

    path: Path
    base: int
    settings: tuple[tuple[str, str], ...] = ()
    """What is set beside the defaults, as environment variables."""

    @property
    def rest(self) -> str:
        """Where REST answers."""
        return f"http://127.0.0.1:{self.base}"

    @property
    def target(self) -> str:
        """Where gRPC answers."""
        return f"127.0.0.1:{self.base}"

    @property
    def mail(self) -> Path:
        """The outbox."""
        return self.path / "mail"

    @property
    def home(self) -> Home:
        """The home, read anew: ports can change between starts."""
        return Home(self.path)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a command speak to this platform."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("TRELLIS_")}
        place = {"TRELLIS_HOME": str(self.path), "TRELLIS_PORT_BASE": str(self.base), "COLUMNS": "200"}
        return {**own, **place, **dict(self.settings)}

    def cli(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def foreground(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `trellis up` as a terminal would, and return once all is healthy."""
        command = [sys.executable, "-m", "cli", "up", *words]
        quiet = subprocess.DEVNULL
        child = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdin=quiet, stdout=quiet, stderr=quiet)
        eventually(lambda: child.poll() is not None or self.status()["healthy"], within_s=60)
        assert child.poll() is None
        return child

    def up(self, *words: str) -> None:
        """Start it in the background."""
        done = self.cli("up", "--detach", *words)
        assert done.returncode == 0, done.stderr

    def down(self) -> None:
        """Stop it."""
        done = self.cli("down")
        assert done.returncode == 0, done.stderr

    def status(self) -> dict[str, Any]:
        """Return what `trellis status` knows."""
        return status_of(self.home)

    def pids(self) -> dict[str, int]:
        """Return the process id by name."""
        return {process["name"]: process["pid"] for process in self.status()["processes"]}

    def healthy(self) -> bool:
        """Whether everything is ready."""
        return bool(self.status()["healthy"])

    def supervisor(self) -> int:
        """Return the process id of the supervisor: it holds the lock."""
        return int((self.path / "run" / "lock").read_text())

    def kill(self, name: str) -> int:
        """End a process as the kernel does it, wait for its successor and return the successor's id."""
        old = self.pids()[name]
        os.kill(old, signal.SIGKILL)
        return eventually(lambda: successor(self.home, name, old), within_s=30)

    def sql(self, service: str, statement: str) -> str:
        """Ask the database of a service."""
        return self._postgres.sql(statement, f"trellis_{service}")

    def postgres_url(self, service: str) -> str:
        """Where the database of a service answers, with the password."""
        return self._postgres.url(f"trellis_{service}")

    @cached_property
    def _postgres(self) -> PostgresEngine:
        return PostgresEngine(self.path, self.home.ports["postgres"])

    @property
    def valkey_url(self) -> str:
        """Where Valkey answers, with the password."""
        return ValkeyEngine(self.path, self.home.ports["valkey"]).url()


def status_of(home: Home) -> dict[str, Any]:
    """Ask a supervisor as `trellis status` does, without a process for each question. None there: nothing is healthy."""
    nothing: dict[str, Any] = {"healthy": False, "processes": []}
    try:
        return nothing | ask(home, "status")
    except NotRunning:
        return nothing


def pid_of(name: str, status: dict[str, Any]) -> int:
    """Return the id of a process; 0 while it has none."""
    return next((int(row["pid"] or 0) for row in status["processes"] if row["name"] == name), 0)


def successor(home: Home, name: str, old: int) -> int:
    """Return the id of the process that took another's place, once all is healthy again, else 0."""
    status = status_of(home)
    new = pid_of(name, status)
    return new if status["healthy"] and new != old else 0


def eventually(look: Callable[[], Found], within_s: float = 20) -> Found:
    """Look again and again until something is found; whatever was seen last is in the complaint."""
    end_s = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < end_s, f"not within {within_s:.0f} s: {found!r}"
        time.sleep(_POLL_S)
    return found


def free_base() -> int:
    """Return a port from which on as many are free as one platform takes."""
    while True:
        base = random.randrange(12_000, 19_000, len(PORT_NAMES) + 1)
        if all_free(ports_from(base)):
            return base
