"""One database out and in again, by PostgreSQL's own pg_dump and pg_restore from the engine's wheel.

Passwords go by the environment, never by the command line. A file is written beside its place and renamed when it is whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from cli.commands.output import Failed, NotReady
from cli.home import ROOT

CUSTOM = b"PGDMP"
LOCKS_WITHIN = "10s"
_COPY = re.compile(rb'COPY public\."?(\w+)"? \(.*\) FROM stdin;')


@dataclass(frozen=True, slots=True)
class Database:
    """Where one database is, and the programs that can read it."""

    programs: Path
    url: str

    def dump(self, file: Path, *, plain: bool = False, snapshot: str = "") -> None:
        """Write the whole database as of one moment. Raises Failed with the server's words."""
        argv = [*self._pg_dump(plain), *([f"--snapshot={snapshot}"] if snapshot else []), "--file"]
        with whole(file) as part:
            self._run([*argv, str(part)])

    def print(self, out: IO[bytes]) -> None:
        """Write the whole database as SQL to a stream."""
        self._run(self._pg_dump(plain=True), stdout=out)

    def replace(self, file: Path) -> None:
        """Make the database what a dump says, in one transaction: all of it, or nothing changes. Raises Failed."""
        argv = [str(self.programs / "psql"), *_QUIET, "-1", "-d", self._place, "-c", _EMPTY, "-f", "-"]
        with sql_of(self.programs, file) as script:
            self._run(argv, stdin=script)

    def fill(self, file: Path) -> None:
        """Read a dump of the custom format into an empty database. Raises Failed."""
        options = ["--single-transaction", "--exit-on-error", "--no-owner", "--dbname", self._place]
        self._run([str(self.programs / "pg_restore"), *options, str(file)])

    def _pg_dump(self, plain: bool) -> list[str]:
        kind = "plain" if plain else "custom"
        options = ["--no-owner", "--no-privileges", f"--format={kind}"]
        return [str(self.programs / "pg_dump"), *options, "--dbname", self._place]

    def _run(self, argv: list[str], *, stdin: Any = subprocess.DEVNULL, stdout: Any = subprocess.DEVNULL) -> None:
        done = subprocess.run(
            argv, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True, env=self._environment(), check=False
        )
        if done.returncode and "connection to server" in done.stderr:
            raise NotReady(f"the database does not answer; is the platform up? {done.stderr.strip()}")
        if done.returncode not in (0, -signal.SIGPIPE):  # whoever reads may have had enough
            raise Failed(f"{Path(argv[0]).name} failed: {done.stderr.strip()}")

    @property
    def _place(self) -> str:
        """The URL without its password."""
        url = urlsplit(self.url)
        user, at, host = url.netloc.rpartition("@")
        return url._replace(netloc=user.partition(":")[0] + at + host).geturl()

    def _environment(self) -> dict[str, str]:
        password = {"PGPASSWORD": unquote(found)} if (found := urlsplit(self.url).password) else {}
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC", **password}


_QUIET = ("-X", "-q", "-v", "ON_ERROR_STOP=1")
_EMPTY = f"""
SET lock_timeout = '{LOCKS_WITHIN}'; SET client_min_messages = warning; DROP SCHEMA public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC;
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """A database as it is at one moment, which a dump can be made of."""

    snapshot: str
    revision: str
    rows: dict[str, int]


@contextlib.asynccontextmanager
async def moment(url: str) -> Any:
    """Hold one moment of a database while the block runs. Raises OSError if it does not answer."""
    import asyncpg

    connection = await asyncpg.connect(url, timeout=10)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            rows = {name: await _count(connection, name) for name in await _tables(connection)}
            revision = (
                await connection.fetchval("SELECT version_num FROM alembic_version") if "alembic_version" in rows else ""
            )
            yield Moment(snapshot, revision, rows)
    finally:
        await connection.close()


def rows_of(url: str) -> dict[str, int]:
    """Return the number of rows of each table."""

    async def look() -> dict[str, int]:
        async with moment(url) as seen:
            return dict(seen.rows)

    return asyncio.run(look())


@contextlib.contextmanager
def whole(file: Path) -> Iterator[Path]:
    """Give a file to write beside its place, private; put it in its place once it is whole and on disk."""
    part = file.with_name(f"{file.name}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(part, file)
        directory = os.open(file.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def sql_of(programs: Path, file: Path, *options: str) -> Iterator[IO[bytes]]:
    """Give a dump as a stream of SQL, whichever its format is. Raises Failed if it cannot be read to its end."""
    if not is_custom(file):
        with file.open("rb") as script:
            yield script
        return
    argv = [str(programs / "pg_restore"), "--no-owner", "--no-privileges", *options, "--file", "-", str(file)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
        assert reading.stdout is not None
        assert reading.stderr is not None
        yield reading.stdout
        reading.stdout.read()
        said = reading.stderr.read().decode(errors="replace").strip()
    if reading.returncode:
        raise Failed(f"{file.name} cannot be read to its end: {said}")


def is_custom(file: Path) -> bool:
    """Whether a dump has PostgreSQL's own format; anything else is taken for SQL. Raises Failed."""
    try:
        with file.open("rb") as dump:
            return dump.read(len(CUSTOM)) == CUSTOM
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}.") from None


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a dump."""

    rows: dict[str, int]
    revision: str


def contents(programs: Path, file: Path) -> Contents:
    """Read a whole dump: the rows of each table, and the revision of its schema. Raises Failed."""
    rows: dict[str, int] = {}
    table, revision = "", ""
    with sql_of(programs, file) as script:
        for line in script:
            if not table:
                if found := _COPY.match(line):
                    table = found[1].decode()
                    rows[table] = 0
            elif line == b"\\.\n":
                table = ""
            else:
                rows[table] += 1
                revision = line.decode().strip() if table == "alembic_version" else revision
    if table:
        raise Failed(f"{file.name} ends in the middle of the table {table}.")
    return Contents(rows, revision)


def refuse_foreign(service: str, found: Contents) -> None:
    """Raises Failed for a dump of another database, or of a newer schema than this checkout knows."""
    own = set(importlib.import_module(f"services.{service}.store.tables").metadata.tables)
    if not own & set(found.rows):
        raise Failed(f"this is no dump of {service}: none of its tables is there ({', '.join(sorted(own))}).")
    refuse_unknown(service, found.revision)


def refuse_unknown(service: str, revision: str) -> None:
    """Raises Failed for a revision that this checkout does not have."""
    known = {path.stem for path in (ROOT / "services" / service / "migrations" / "versions").glob("[0-9]*.py")}
    if revision not in known:
        raise Failed(
            f"the schema of {service} in there is {revision or 'without a revision'}, which this version does not know: "
            f"restore it with the version that made it."
        )


async def _tables(connection: Any) -> list[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    return [str(row["tablename"]) for row in rows]


async def _count(connection: Any, table: str) -> int:
    return int(await connection.fetchval(f'SELECT count(*) FROM "{table}"'))  # noqa: S608 -- a name of PostgreSQL's own list
