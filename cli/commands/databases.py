"""db: the services' databases."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cli.commands.config import one_or_all
from cli.commands.output import Failed, Format, NotReady, Output, examples, explain, listing
from cli.engines.postgres import PostgresEngine
from cli.engines.services import database_of
from cli.home import SERVICES, home

Service = Annotated[str, typer.Argument(help="auth or user.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    db = typer.Typer(help="Migrate and look into the services' databases.", no_args_is_help=True)
    db.command(epilog=examples("trellis db migrate", "trellis db migrate user"))(migrate)
    db.command(epilog=examples("trellis db status", "trellis db status -o json"))(status)
    db.command(epilog=examples("trellis db psql auth"))(psql)
    db.command(epilog=examples('trellis db new user "add a nickname to users"'))(new)
    db.command(epilog=examples("trellis db lint", "trellis db lint user -o json"))(lint)
    db.command(epilog=examples("trellis db dump auth -f auth.dump", "trellis db dump user | gzip > user.sql.gz"))(dump)
    db.command(epilog=examples("trellis db restore auth auth.dump --yes"))(restore)
    app.add_typer(db, name="db", rich_help_panel="Data")


def migrate(service: Annotated[str, typer.Argument(help="auth or user; all without.")] = "") -> None:
    """Bring databases to the newest revision."""
    from services.chassis.db.migrate import upgrade

    for name in one_or_all(service):
        explain(f"{name}: migrating …")
        with reached(name):
            upgrade(name, url_of(name))
        explain(f"{name}: up to date.")


def status(output: Output = Format.TABLE) -> None:
    """Show each database's revision and the newest one."""
    from services.chassis.db import migrate as migrations

    rows = []
    for name in SERVICES:
        with reached(name):
            current, newest = migrations.status(name, url_of(name))
        rows.append({"service": name, "revision": current, "newest": newest, "up_to_date": current == newest})
    listing(rows, output)
    if not all(row["up_to_date"] for row in rows):
        explain("Bring them up to date: trellis db migrate")


def psql(service: Service) -> None:
    """Open psql on a service's database."""
    [name] = one_or_all(service)
    program = str(_engine().programs / "psql")
    os.execv(program, [program, url_of(name)])  # noqa: S606 -- becomes psql


def new(service: Service, message: Annotated[str, typer.Argument(help="What the revision does, in a few words.")]) -> None:
    """Write the next revision file of a service, numbered and named; print its path (needs the development requirements)."""
    from cli.migrations import new as written

    [name] = one_or_all(service)
    sys.stdout.write(f"{written(name, message)}\n")
    explain(f"Write upgrade and downgrade, then: trellis db lint {name} && trellis db migrate {name}")


def lint(
    service: Annotated[str, typer.Argument(help="auth or user; all without.")] = "", output: Output = Format.TABLE
) -> None:
    """Find what a revision would do to a running platform; exit code 1 if there is anything.

    Locks that block reads or writes, columns and tables that the code still reads, missing ways back, and broken numbering.
    What is meant all the same stands in the revision: LINT_ALLOWS = {"rule": "why"}. Needs the development requirements.
    """
    from dataclasses import asdict

    from cli.migrations import lint as dangers_of

    found = [asdict(danger) for name in one_or_all(service) for danger in dangers_of(name)]
    if found or output is not Format.TABLE:
        listing(found, output)
    if found:
        raise Failed(f"dangers found: {len(found)}; their fixes stand beside them.")
    explain("Every revision can run beside the platform.")


def dump(
    service: Service,
    file: Annotated[
        str, typer.Option("--file", "-f", help="Where to; SQL if it ends with .sql. Standard output without.")
    ] = "",
) -> None:
    """Write a service's database as of one moment: to a file in PostgreSQL's own format, or as SQL."""
    from cli.dumps import Database

    [name] = one_or_all(service)
    with reached(name):
        database = Database(_engine().programs, url_of(name))
        if not file:
            return database.print(sys.stdout.buffer)
        database.dump(Path(file), plain=file.endswith(".sql"))
    explain(f"{name}: written to {file}, readable by you alone.")


def restore(
    service: Service,
    file: Annotated[Path, typer.Argument(help="What `trellis db dump` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make a service's database what a dump says, in one transaction; what is in it now is lost.

    A dump of another service or of a newer schema is refused. Restart the service afterwards; an older schema is migrated by
    `trellis db migrate` or the next start.
    """
    from cli.commands.backups import confirmed
    from cli.dumps import Database, contents, refuse_foreign

    [name] = one_or_all(service)
    programs = _engine().programs
    refuse_foreign(name, contents(programs, file))
    confirmed(yes, f"Everything in the database of {name} is replaced by {file}. Go on?")
    with reached(name):
        Database(programs, url_of(name)).replace(file)
    explain(f"{name}: restored. Now `trellis db migrate {name}` and `trellis restart {name}`.")


@contextlib.contextmanager
def reached(service: str) -> Iterator[None]:
    """Say what helps where the database of a service does not answer. Raises NotReady."""
    try:
        yield
    except (ConnectionError, TimeoutError, socket.gaierror) as error:
        raise NotReady(f"the database of {service} does not answer ({error}); is it up? See `trellis status`.") from None


def _engine() -> PostgresEngine:
    return PostgresEngine(home().path, home().ports["postgres"])


def url_of(service: str) -> str:
    """Return where the database of a service is. Raises NotReady if there is none yet."""
    given = os.environ.get(f"TRELLIS_{service.upper()}_DATABASE_URL")
    if given is None and not (home().path / "secrets" / "postgres.password").exists():
        raise NotReady("there is no database here yet; start the platform with `trellis up`.")
    return given or _engine().url(database_of(service))
