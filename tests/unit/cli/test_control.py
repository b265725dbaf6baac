"""Where the supervisor listens and who may: the socket fits the kernel's limit and is reachable by its owner alone."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli import control
from cli.home import ROOT, Home


async def _echo(request: dict[str, Any]) -> dict[str, Any]:
    return request


async def test_a_command_is_answered_through_a_socket_of_the_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()

    async with control.listening(home, _echo):
        answer = await asyncio.to_thread(control.ask, home, "restart", name="auth")
        mode = stat.S_IMODE(control.socket_path(home).stat().st_mode)

    assert answer == {"do": "restart", "name": "auth"}
    assert mode == 0o600
    assert not control.socket_path(home).exists()


def test_without_a_supervisor_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(control.NotRunning):
        control.ask(Home(tmp_path), "status")


async def test_a_supervisor_that_takes_too_long_is_not_mistaken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_ANSWER_WITHIN_S", 0.1)
    home, asked = Home(tmp_path), asyncio.Event()
    home.run.mkdir()

    async def wait(request: dict[str, Any]) -> dict[str, Any]:
        await asked.wait()
        return request

    async with control.listening(home, wait):
        with pytest.raises(control.NoAnswer, match="did not answer"):
            await asyncio.to_thread(control.ask, home, "status")
        asked.set()


def test_a_deep_home_listens_at_a_short_private_place(tmp_path: Path) -> None:
    path = control.socket_path(Home(tmp_path / ("deep" * 30)))

    assert len(os.fsencode(path)) < 100
    assert path.parent.stat().st_uid == os.getuid()
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_place_that_somebody_else_prepared_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "place").symlink_to(tmp_path / "theirs")

    with pytest.raises(control.NotPrivate, match="not a directory of yours"):
        control._private(tmp_path / "place")


SLOW_TO_LEAVE = """
import asyncio, pathlib, sys, time
from cli import control
from cli.home import Home

async def main():
    ending = asyncio.Event()

    async def answer(request):
        ending.set()
        return {}

    async with control.listening(Home(pathlib.Path(sys.argv[1])), answer):
        print("listening", flush=True)
        await ending.wait()
        await asyncio.sleep(0.05)

asyncio.run(main())
time.sleep(0.4)  # the socket has gone, the process has not
"""


def test_a_supervisor_has_ended_when_its_process_has(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()
    argv, env = [sys.executable, "-c", SLOW_TO_LEAVE, str(tmp_path)], {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"listening\n"

        ended = control.end(home, within_s=10)

        assert ended
        assert supervisor.poll() == 0


async def test_one_that_goes_on_has_not_ended(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()

    async with control.listening(home, _echo):
        assert not await asyncio.to_thread(control.end, home, within_s=0.05)
