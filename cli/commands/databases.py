"""db: the services' databases."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cli.commands.output import Failed, explain, table
from cli.engines.postgres import PostgresEngine
from cli.engines.services import database_of
from cli.home import SERVICES, home

Service = Annotated[str, typer.Argument(help="auth or user.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    db = typer.Typer(help="Migrate and look into the services' databases.", no_args_is_help=True)
    db.command()(migrate)
    db.command()(status)
    db.command()(psql)
    app.add_typer(db, name="db", rich_help_panel="Data")


def migrate(service: Annotated[str, typer.Argument(help="auth or user; all without.")] = "") -> None:
    """Bring databases to the newest revision."""
    from services.chassis.db.migrate import upgrade

    for name in _services(service):
        explain(f"{name}: migrating …")
        upgrade(name, _url(name))
        explain(f"{name}: up to date.")


def status() -> None:
    """Show each database's revision and the newest one."""
    from services.chassis.db import migrate as migrations

    rows = []
    for name in SERVICES:
        current, newest = migrations.status(name, _url(name))
        rows.append([name, current or "(empty)", newest, "yes" if current == newest else "no: trellis db migrate"])
    table("", ["service", "revision", "newest", "up to date"], rows)


def psql(service: Service) -> None:
    """Open psql on a service's database."""
    [name] = _services(service)
    program = str(_engine().programs / "psql")
    os.execv(program, [program, _url(name)])  # noqa: S606 -- becomes psql


def _services(name: str) -> list[str]:
    if name and name not in SERVICES:
        raise typer.BadParameter(f"there is no service {name}; there are {', '.join(SERVICES)}.")
    return [name] if name else [*SERVICES]


def _engine() -> PostgresEngine:
    return PostgresEngine(home().path, home().ports["postgres"])


def _url(service: str) -> str:
    given = os.environ.get(f"TRELLIS_{service.upper()}_DATABASE_URL")
    if given is None and not (home().path / "secrets" / "postgres.password").exists():
        raise Failed("there is no database here yet; start the platform with `trellis up`.")
    return given or _engine().url(database_of(service))
