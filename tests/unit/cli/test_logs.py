"""Log files: one a process, bounded, services told apart."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import pytest

from cli import logs
from cli.logs import LogBook


def test_lines_of_the_host_go_to_the_service_that_said_them(tmp_path: Path) -> None:
    with closing(LogBook(tmp_path, None, colour=False)) as book:
        book.write("services", '{"event":"serving","service":"auth"}')
        book.write("services", "a migration failed")

    assert (tmp_path / "auth.log").read_text() == '{"event":"serving","service":"auth"}\n'
    assert (tmp_path / "services.log").read_text() == "a migration failed\n"


def test_the_screen_shows_who_said_it(tmp_path: Path) -> None:
    screen = io.StringIO()

    with closing(LogBook(tmp_path, screen, colour=False)) as book:
        book.write("valkey", "Ready to accept connections")

    assert screen.getvalue() == "valkey   │ Ready to accept connections\n"


def test_a_file_never_grows_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_LIMIT_BYTES", 100)

    with closing(LogBook(tmp_path, None, colour=False)) as book:
        for number in range(50):
            book.write("envoy", f"line {number:04d}")

    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 300
    assert "line 0049" in (tmp_path / "envoy.log").read_text()
