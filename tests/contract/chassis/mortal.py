"""A Valkey that tests may kill and start again on the same port and data."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from cli.engines.process import spawn
from cli.engines.valkey import ValkeyEngine
from tests.fakes.ports import free_port

_START_S = 10.0


class MortalValkey:
    """The engine of `trellis up`, without anybody who brings it back."""

    def __init__(self, home: Path) -> None:
        self._engine = ValkeyEngine(home, free_port())
        self._engine.prepare()
        self.url = self._engine.url()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that serves, or served last."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and return once it answers with its data loaded. From the main thread, whose child it is."""
        self._process = spawn(self._engine.command(), subprocess.DEVNULL)
        end_s = time.monotonic() + _START_S
        while not self._engine.ready(self._process.pid):
            assert time.monotonic() < end_s, "Valkey did not start"
            time.sleep(0.005)

    def kill(self) -> None:
        """End it as a crash would, and wait until it is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
