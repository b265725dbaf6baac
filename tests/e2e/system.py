"""A platform of its own for a test, run by the real command line; and what the kernel says about its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.home import Home
from tests.e2e.platform import eventually, pid_of, status_of, successor

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class System:
    """One home. Every process under it carries TRELLIS_HOME in its environment or the home in its command line."""

    home: Path

    def trellis(self, *arguments: str, code: int = 0) -> str:
        """Run a command; its standard output. Fails unless it exits with `code`."""
        done = subprocess.run(self._argv(*arguments), env=self._env(), capture_output=True, text=True, timeout=90)
        assert done.returncode == code, f"exit {done.returncode}: {done.stderr}"
        return done.stdout

    def refusal(self, *arguments: str) -> str:
        """Run a command that must fail; what it says."""
        done = subprocess.run(self._argv(*arguments), env=self._env(), capture_output=True, text=True, timeout=90)
        assert done.returncode == 1, f"exit {done.returncode}: {done.stderr}"
        return done.stderr

    def status(self) -> dict[str, Any]:
        return status_of(Home(self.home))

    def pid(self, name: str) -> int:
        pid = pid_of(name, self.status())
        assert pid, f"{name} has no process now"  # a signal to 0 would be one to ourselves
        return pid

    def supervisor(self) -> int:
        return int((self.home / "run" / "lock").read_text())

    def kill(self, name: str) -> int:
        """kill -9 a process; the pid it had. The kernel confirms that it is gone."""
        pid = self.supervisor() if name == "supervisor" else self.pid(name)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not alive(pid), 5)
        return pid

    def back(self, name: str, *, instead_of: int, within_s: float = 15) -> None:
        """Wait until another process has taken its place and all is healthy."""
        eventually(lambda: successor(Home(self.home), name, instead_of), within_s)

    def processes(self) -> set[int]:
        """All living processes that belong to this home."""
        return {int(entry.name) for entry in Path("/proc").glob("[0-9]*") if self._owns(entry) and alive(int(entry.name))}

    def _owns(self, entry: Path) -> bool:
        try:
            text = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
        except OSError:
            return False
        real = os.path.realpath(self.home / "postgres")
        return any(part.encode() in text for part in (f"TRELLIS_HOME={self.home}", f"{self.home}/", real))

    def _argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "cli", *arguments]

    def _env(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT), str(ROOT / "gen" / "python")])
        return {**os.environ, "TRELLIS_HOME": str(self.home), "PYTHONPATH": path, "NO_COLOR": "1"}


def alive(pid: int) -> bool:
    """Whether it runs: a zombie is dead, only not yet buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
