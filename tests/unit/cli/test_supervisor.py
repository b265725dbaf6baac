"""The supervisor's rules, on small scripts in place of engines."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cli import supervisor
from cli.engines.process import Command, EngineFailed
from cli.supervisor import Process, Supervisor
from tests.e2e.system import alive


@dataclass
class Script:
    """An engine that is a few lines of Python; ready once it has written its file."""

    name: str
    directory: Path
    code: str = "import time; ready(); time.sleep(60)"
    grace_s: float = 5.0
    stop_signal: signal.Signals = signal.SIGTERM
    refusals: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        self._file.unlink(missing_ok=True)
        if self.refusals:
            raise EngineFailed(self.refusals.pop())

    def command(self) -> Command:
        head = f"import pathlib\ndef ready(): pathlib.Path({str(self._file)!r}).touch()\n"
        return Command([sys.executable, "-S", "-c", head + self.code], takes_lines=True)

    def ready(self, pid: int) -> bool:
        return self._file.exists()

    def settle(self) -> None:
        pass

    @property
    def _file(self) -> Path:
        return self.directory / self.name


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF_LIMIT_S", 0.01)


async def test_what_leans_on_another_starts_after_it_and_stops_before_it(tmp_path: Path) -> None:
    said: list[str] = []
    code = (
        "import signal, sys, time\nsignal.signal(15, lambda *_: (print('bye', flush=True), sys.exit()))\n"
        "ready()\ntime.sleep(60)"
    )
    base, leaner = Script("base", tmp_path, code), Script("leaner", tmp_path, code)
    running = Supervisor([Process(leaner, after=("base",)), Process(base)], lambda name, line: said.append(name))
    task = asyncio.create_task(running.run())

    assert await running.all_up()
    running.stopping.set()

    assert await task == ""
    assert said == ["leaner", "base"]


async def test_one_that_waits_for_a_line_starts_at_once_and_works_when_what_it_leans_on_is_up(tmp_path: Path) -> None:
    said: list[str] = []
    slow = Script("slow", tmp_path, "import time; time.sleep(0.3); print('up', flush=True); ready(); time.sleep(60)")
    held = Script(
        "held", tmp_path, "import time; print('warm', flush=True); print(input(), flush=True); ready(); time.sleep(60)"
    )
    running = Supervisor(
        [Process(slow), Process(held, after=("slow",), waits="for a line")], lambda _, line: said.append(line)
    )
    task = asyncio.create_task(running.run())

    assert await running.all_up()
    running.stopping.set()
    await task

    assert said == ["warm", "up", "start"]


async def test_a_process_that_keeps_dying_is_given_up_with_its_name(tmp_path: Path) -> None:
    running = Supervisor([Process(Script("valkey", tmp_path, "raise SystemExit(7)"))], lambda *_: None)

    assert await running.run() == "valkey ended with 7, 6 times in a row"


async def test_one_that_says_it_is_hopeless_is_not_tried_again(tmp_path: Path) -> None:
    running = Supervisor(
        [Process(Script("services", tmp_path, "raise SystemExit(print('not installed') or 78)"))], lambda *_: None
    )

    assert await running.run() == "services ended with 78 (not installed)"


async def test_a_start_that_fails_for_a_moment_is_tried_again(tmp_path: Path) -> None:
    process = Process(Script("services", tmp_path, refusals=["the database is starting up"]))
    running = Supervisor([process], lambda *_: None)
    task = asyncio.create_task(running.run())

    assert await running.all_up()
    running.stopping.set()

    assert await task == ""
    assert process.restarts == 1


async def test_one_that_ignores_the_signal_to_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    stubborn = Script(
        "stubborn", tmp_path, "import signal, time; signal.signal(15, signal.SIG_IGN); ready(); time.sleep(60)", grace_s=0.2
    )
    process = Process(stubborn)
    running = Supervisor([process], lambda *_: None)
    task = asyncio.create_task(running.run())
    await running.all_up()
    child = process.child
    assert child is not None

    running.stopping.set()
    await task

    assert child.returncode == -signal.SIGKILL


async def test_children_of_a_killed_process_do_not_stay_behind(tmp_path: Path) -> None:
    said: list[str] = []
    code = "import os, time\nif pid := os.fork(): print(pid, flush=True); ready()\ntime.sleep(60)"
    process = Process(Script("host", tmp_path, code))
    again = asyncio.Event()

    def log(_: str, line: str) -> None:
        said.append(line)
        if line.endswith("starting it again"):
            again.set()

    running = Supervisor([process], log)
    task = asyncio.create_task(running.run())
    await running.all_up()
    assert process.child is not None

    process.child.kill()
    await again.wait()

    async with asyncio.timeout(10):  # killed already; the kernel takes its time to bury it
        while alive(int(said[0])):
            await asyncio.sleep(0.01)
    running.stopping.set()
    await task
