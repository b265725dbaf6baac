"""The warm parent, alone, with a service that hangs: what it does when nobody needs it any more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from cli.home import ROOT
from services.host import DRAIN_S

HOST_OF_A_DEAF_SERVICE = """
import pathlib, signal, sys, time
from services import host

def serve(service, ready):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # hangs: does not even hear that it should end
    ready()
    time.sleep(60)

host._serve = serve
slot = host.Slot(0, 0)
host.Host({"deaf": host.Plan({}, (slot, slot))}, 1, pathlib.Path(sys.argv[1])).run()
"""


def test_the_end_of_its_input_is_the_end_even_of_a_service_that_hangs(tmp_path: Path) -> None:
    table = tmp_path / "services.json"
    argv, env = [sys.executable, "-c", HOST_OF_A_DEAF_SERVICE, str(table)], {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE) as host:
        child = _ready(table)
        assert host.stdin is not None

        host.stdin.close()  # what the kernel does first when a supervisor is killed

        assert host.wait(DRAIN_S / 2) == 0
        assert not Path(f"/proc/{child}").exists()


def _ready(table: Path, within_s: float = 10) -> int:
    """Wait until the only service is ready; its pid."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        rows = json.loads(table.read_text()) if table.exists() else []
        if rows and rows[0]["state"] == "ready":
            return int(rows[0]["pid"])
        time.sleep(0.02)
    raise AssertionError("the service did not become ready")
