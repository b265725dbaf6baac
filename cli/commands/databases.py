"""db: the services' databases."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Annotated

import typer

from cli.commands.config import one_or_all
from cli.commands.output import Format, NotReady, Output, examples, explain, listing
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
    app.add_typer(db, name="db", rich_help_panel="Data")


def migrate(service: Annotated[str, typer.Argument(help="auth or user; all without.")] = "") -> None:
    """Bring databases to the newest revision."""
    from services.chassis.db.migrate import upgrade

    for name in one_or_all(service):
        explain(f"{name}: migrating …")
        with reached(name):
            upgrade(name, _url(name))
        explain(f"{name}: up to date.")


def status(output: Output = Format.TABLE) -> None:
    """Show each database's revision and the newest one."""
    from services.chassis.db import migrate as migrations

    rows = []
    for name in SERVICES:
        with reached(name):
            current, newest = migrations.status(name, _url(name))
        rows.append({"service": name, "revision": current, "newest": newest, "up_to_date": current == newest})
    listing(rows, output)
    if not all(row["up_to_date"] for row in rows):
        explain("Bring them up to date: trellis db migrate")


def psql(service: Service) -> None:
    """Open psql on a service's database."""
    [name] = one_or_all(service)
    program = str(_engine().programs / "psql")
    os.execv(program, [program, _url(name)])  # noqa: S606 -- becomes psql


@contextlib.contextmanager
def reached(service: str) -> Iterator[None]:
    """Say what helps where the database of a service does not answer. Raises NotReady."""
    try:
        yield
    except (ConnectionError, TimeoutError, socket.gaierror) as error:
        raise NotReady(f"the database of {service} does not answer ({error}); is it up? See `trellis status`.") from None


def _engine() -> PostgresEngine:
    return PostgresEngine(home().path, home().ports["postgres"])


def _url(service: str) -> str:
    given = os.environ.get(f"TRELLIS_{service.upper()}_DATABASE_URL")
    if given is None and not (home().path / "secrets" / "postgres.password").exists():
        raise NotReady("there is no database here yet; start the platform with `trellis up`.")
    return given or _engine().url(database_of(service))
