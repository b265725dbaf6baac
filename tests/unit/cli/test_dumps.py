"""Reading dumps without a server: what is in them, and what is not to be restored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.commands.output import Failed
from cli.dumps import Contents, Database, contents, refuse_foreign, whole
from cli.home import ROOT

NOWHERE = Path("/nowhere")


def sql(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "dump.sql"
    file.write_text(text)
    return file


def test_rows_are_counted_by_table(tmp_path: Path) -> None:
    text = 'COPY public.users (name) FROM stdin;\na\nb\n\\.\n\nCOPY public."order" (x) FROM stdin;\n\\.\n'

    assert contents(NOWHERE, sql(tmp_path, text)).rows == {"users": 2, "order": 0}


def test_a_row_that_looks_like_a_command_is_a_row(tmp_path: Path) -> None:
    text = "COPY public.users (name) FROM stdin;\nCOPY public.evil (x) FROM stdin;\n\\.\n"

    assert contents(NOWHERE, sql(tmp_path, text)).rows == {"users": 1}


def test_a_dump_that_ends_in_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="in the middle of the table users"):
        contents(NOWHERE, sql(tmp_path, "COPY public.users (name) FROM stdin;\na\n"))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Contents({"users": 1, "outbox": 0}, "0001_create"), "no dump of auth"),
        (Contents({"accounts": 1}, "0999_future"), "0999_future, which this version does not know"),
        (Contents({"accounts": 1}, ""), "without a revision"),
    ],
)
def test_a_foreign_dump_is_refused(found: Contents, why: str) -> None:
    with pytest.raises(Failed, match=why):
        refuse_foreign("auth", found)


def test_a_file_is_there_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "auth.dump"

    with whole(file) as part:
        part.write_text("all of it")
        assert not file.exists()
        assert part.stat().st_mode & 0o077 == 0

    assert file.read_text() == "all of it"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_fails_half_way_is_not_there_and_the_old_one_stays(tmp_path: Path) -> None:
    file = tmp_path / "auth.dump"
    file.write_text("yesterday")

    with pytest.raises(RuntimeError), whole(file) as part:
        part.write_text("half")
        raise RuntimeError

    assert file.read_text() == "yesterday"
    assert list(tmp_path.iterdir()) == [file]


KILLED = """
import os, pathlib, sys
from cli.dumps import whole
with whole(pathlib.Path(sys.argv[1])) as part:
    part.write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_a_process_that_is_killed_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    file = tmp_path / "trellis.tar"

    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(file)], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )

    assert done.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["trellis.tar.part"]


def test_no_password_is_on_a_command_line() -> None:
    database = Database(NOWHERE, "postgresql://trellis:s%40cret@127.0.0.1:1/trellis_auth")

    assert database._place == "postgresql://trellis@127.0.0.1:1/trellis_auth"
    assert database._environment()["PGPASSWORD"] == "s@cret"
    assert not any("cret" in word for word in database._pg_dump(plain=False))
