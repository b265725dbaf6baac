"""The engines keep what they promise: started by us, ended with us, closed to strangers, durable over kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from cli.engines import shelter
from cli.engines.postgres import PostgresEngine
from cli.engines.process import EngineFailed, running
from cli.engines.valkey import ValkeyEngine
from cli.home import ROOT
from tests.e2e.platform import eventually
from tests.e2e.system import alive
from tests.fakes.ports import free_port

ONCE = Retry(NoBackoff(), 0)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="trellis-") as made:
        os.chmod(made, 0o755)
        yield Path(made)


def test_postgres_keeps_databases_over_a_restart(directory: Path) -> None:
    with running(PostgresEngine(directory, free_port(), ["trellis_auth"])) as engine:
        engine.sql("CREATE TABLE kept AS SELECT 42 AS answer", "trellis_auth")

    with running(PostgresEngine(directory, free_port(), ["trellis_auth", "trellis_user"])) as engine:
        assert engine.sql("SELECT answer FROM kept", "trellis_auth") == "42"
        assert engine.sql("SELECT count(*) FROM pg_class", "trellis_user") != "0"


def test_postgres_wants_the_password(directory: Path) -> None:
    with running(PostgresEngine(directory, free_port())) as engine:
        engine.__dict__["password"] = "guessed"

        with pytest.raises(EngineFailed, match="password authentication failed"):
            engine.sql("SELECT 1")


def test_postgres_refuses_data_of_another_major_version(directory: Path) -> None:
    (directory / "postgres").mkdir()
    (directory / "postgres" / "PG_VERSION").write_text("15\n")

    with pytest.raises(EngineFailed, match="made by PostgreSQL 15, this is 18"):
        PostgresEngine(directory, free_port()).prepare()


@as_root
def test_postgres_runs_from_a_home_that_nobody_may_enter(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelter, "SHELTER", directory / "shelter")
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    tmp_path.chmod(0o700)

    with running(PostgresEngine(closed, free_port())) as engine:
        engine.sql("CREATE TABLE kept AS SELECT 42 AS answer")
    with running(PostgresEngine(closed, free_port())) as engine:
        assert engine.sql("SELECT answer FROM kept") == "42"

    assert (closed / "postgres").resolve().is_relative_to(directory / "shelter")


@as_root
def test_programs_that_nobody_may_run_are_copied_once(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelter, "SHELTER", directory / "shelter")
    tree = directory / "venv"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "postgres").write_text("#!/bin/sh\n")
    (tree / "bin" / "postgres").chmod(0o700)
    who = shelter.account()
    assert who is not None

    copies = {shelter.programs(tree, who, "18.0") for _ in range(2)}

    assert copies == {directory / "shelter" / "postgresql-18.0"}
    assert shelter.reachable(directory / "shelter" / "postgresql-18.0" / "bin" / "postgres", who)
    assert len(list((directory / "shelter").iterdir())) == 1


def test_valkey_wants_the_password_and_keeps_what_it_acknowledged_over_a_kill(directory: Path) -> None:
    with running(ValkeyEngine(directory, free_port())) as engine:
        with Redis(port=engine.port, retry=ONCE) as stranger, pytest.raises(AuthenticationError):
            stranger.get("kept")
        with Redis.from_url(engine.url()) as client:
            client.set("kept", "42")
            os.kill(int(client.info("server")["process_id"]), signal.SIGKILL)

    with running(ValkeyEngine(directory, free_port())) as engine, Redis.from_url(engine.url()) as client:
        assert client.get("kept") == b"42"


def test_passwords_are_for_the_owner_alone_and_on_no_command_line(directory: Path) -> None:
    engine = ValkeyEngine(directory, free_port())

    engine.prepare()

    assert not any(engine.password in word for word in engine.command().argv)
    files = list((directory / "secrets").iterdir())
    assert files
    assert all(path.stat().st_mode & 0o077 == 0 for path in [*files, directory / "secrets"])


def test_an_engine_ends_with_the_process_that_started_it(directory: Path) -> None:
    """The parent is killed: it cannot clean up, only the kernel can."""
    script = (
        "import sys, time; from pathlib import Path; from cli.engines.process import running\n"
        "from cli.engines.postgres import PostgresEngine\n"
        "with running(PostgresEngine(Path(sys.argv[1]), int(sys.argv[2]))): print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(directory), str(free_port())],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        postmaster = int((directory / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        parent.kill()

    eventually(lambda: not alive(postmaster), 5)
