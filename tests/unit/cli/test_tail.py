"""What `trellis logs` shows: the last lines that were asked for, and all that come, whatever happens to the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.commands.tail import Logs, tail

Follow = Callable[[str], Logs]


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    """Begin to follow the logs of a pattern; their files are closed at the end."""
    begun: list[Logs] = []

    def begin(pattern: str) -> Logs:
        begun.append(Logs(tmp_path, pattern, []))
        begun[-1].print_last(9)
        return begun[-1]

    yield begin
    for logs in begun:
        logs.close()


def test_only_the_last_matching_lines_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "auth.log").write_text("error 1\ninfo 2\nerror 3\nerror 4\n")

    tail(tmp_path, "auth.log", ["error"], lines=2, follow=False)

    assert capsys.readouterr().out == "error 3\nerror 4\n"


def test_lines_of_several_processes_carry_their_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "auth.log").write_text("here\n")
    (tmp_path / "user.log").write_text("there\n")

    tail(tmp_path, "*.log", [], lines=9, follow=False)

    assert capsys.readouterr().out == "auth     │ here\nuser     │ there\n"


def test_following_goes_on_in_the_successor_of_a_rotated_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], follow: Follow
) -> None:
    log = tmp_path / "auth.log"
    log.write_text("old\n")
    logs = follow("auth.log")
    with log.open("a") as file:
        file.write("last of the old\n")
    log.replace(tmp_path / "auth.log.1")
    log.write_text("first of the new\n")

    logs.print_new()

    assert capsys.readouterr().out == "old\nlast of the old\nfirst of the new\n"


def test_a_file_that_comes_to_be_is_followed_too(tmp_path: Path, capsys: pytest.CaptureFixture[str], follow: Follow) -> None:
    logs = follow("*.log")
    (tmp_path / "user.log").write_text("born\n")

    assert logs.print_new()

    assert capsys.readouterr().out == "user     │ born\n"


def test_half_a_line_waits_for_its_other_half(tmp_path: Path, capsys: pytest.CaptureFixture[str], follow: Follow) -> None:
    log = tmp_path / "auth.log"
    log.write_text("half")
    logs = follow("auth.log")
    with log.open("a") as file:
        file.write(" and half\n")

    logs.print_new()

    assert capsys.readouterr().out == "half and half\n"
