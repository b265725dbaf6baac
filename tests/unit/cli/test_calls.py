"""`trellis call` and what it refuses before it calls anybody; run as people run it, for the exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

ROOT = Path(__file__).resolve().parents[3]


def trellis(home: Path, *arguments: str, said: str | bytes = b"") -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "TRELLIS_HOME": str(home), "PYTHONPATH": f"{ROOT}:{ROOT / 'gen/python'}", "NO_COLOR": "1"}
    env |= {"TERMINAL_WIDTH": "300"}  # of error boxes: a broken line hides what is looked for
    given = said.encode() if isinstance(said, str) else said
    return subprocess.run([sys.executable, "-m", "cli", *arguments], input=given, env=env, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["UserService.GetUsr"], "did you mean UserService.GetUser"),
        (["UserService.GetUser", "-d", '{"nme": 1}'], 'no field named "nme"'),
        (["UserService.GetUser", "-d", "{"], "GetUserRequest"),
        (["UserService.GetUser", "-d", "@/nowhere.json"], "/nowhere.json cannot be read"),
    ],
)
def test_what_cannot_be_called_is_a_usage_error(tmp_path: Path, arguments: list[str], why: str) -> None:
    done = trellis(tmp_path, "call", *arguments)

    assert (done.returncode, done.stdout) == (2, b"")
    assert why in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_request_that_is_no_text_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "request").write_bytes(b"\xff\xfe{}")

    assert trellis(tmp_path, "call", "UserService.GetUser", "-d", f"@{tmp_path / 'request'}").returncode == 2


def test_a_platform_that_is_not_up_is_not_ready(tmp_path: Path) -> None:
    done = trellis(tmp_path, "call", "UserService.GetUser", "-d", "-", said='{"name": "users/me"}')

    assert (done.returncode, done.stdout) == (3, b"")
    assert b"trellis status" in done.stderr


@pytest.mark.parametrize(
    "command", [["status", "-o", "json"], ["restart", "auth"], ["seed"], ["db", "status"], ["db", "dump", "auth"]]
)
def test_what_needs_a_running_platform_says_so(tmp_path: Path, command: list[str]) -> None:
    done = trellis(tmp_path, *command)

    assert (done.returncode, done.stdout) == (3, b"")
    assert b"trellis up" in done.stderr


@pytest.mark.parametrize("base", ["0", "70000"])
def test_a_port_base_that_cannot_be_is_refused_and_not_remembered(tmp_path: Path, base: str) -> None:
    done = trellis(tmp_path, "up", "--detach", "--port-base", base)

    assert done.returncode == 2
    assert not (tmp_path / "ports.json").exists()


def test_a_broken_home_gets_one_line_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")

    done = trellis(tmp_path, "call", "UserService.GetUser")

    assert done.returncode == 1
    assert b"TRELLIS_DEBUG" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_message_is_described_field_by_field() -> None:
    shown = CliRunner().invoke(app, ["describe", "ListUsersResponse"]).stdout

    assert "repeated User" in shown
    assert "next_page_token" in shown


def test_names_are_whole_where_another_program_reads_them(tmp_path: Path) -> None:
    listed = trellis(tmp_path, "methods").stdout.decode()

    assert "AuthService.ResendVerification" in listed
    assert "…" not in listed
