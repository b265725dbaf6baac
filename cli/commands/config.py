"""config: what the services are given, and whether they can live with it."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.output import Failed, Format, Output, document, examples, explain, listing
from cli.home import SERVICES, home

_LONGEST = 80  # of a value in a table

Service = Annotated[str, typer.Argument(help="auth or user; all without.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    config = typer.Typer(help="What the services are given, and whether they can live with it.", no_args_is_help=True)
    config.command(epilog=examples("trellis config show", "trellis config show auth", "trellis config show -o json"))(show)
    config.command(epilog=examples("trellis config check", "trellis config check && trellis up"))(check)
    app.add_typer(config, name="config", rich_help_panel="Care")


def show(service: Service = "", output: Output = Format.TABLE) -> None:
    """Show every setting, its value and where the value is from. Secrets are hidden.

    A value is the default of config.py, from the environment (`TRELLIS_…`, or `TRELLIS_AUTH_…` for one service), a file of
    the home, or derived from its ports and place.
    """
    from cli.settings import given

    rows = [
        {"service": g.service, "name": g.name, "value": g.shown, "source": g.source, "where": g.where, "doc": g.doc}
        for g in given(home(), one_or_all(service))
    ]
    if output is not Format.TABLE:
        return document(rows, output)
    short = [{**row, "value": _short(row["value"])} for row in rows]
    listing(short, output, {"service": "service", "name": "setting", "value": "value", "source": "source", "where": "where"})


def check(service: Service = "", output: Output = Format.TABLE) -> None:
    """Check what the services would get; name each fault and its fix. Exit code 1 if one of them would not start."""
    from cli.settings import faults

    found = faults(home(), one_or_all(service))
    rows = [
        {
            "verdict": "FAULT" if fault.fatal else "note",
            "service": fault.service or "all",
            "setting": fault.name,
            "wrong": fault.wrong,
            "fix": fault.fix,
        }
        for fault in found
    ]
    if rows or output is not Format.TABLE:
        listing(rows, output)
    if any(fault.fatal for fault in found):
        raise Failed("a service would not start or not work with these settings; the fixes stand beside the faults.")
    explain("Every setting can be used.")


def one_or_all(service: str) -> list[str]:
    """Return the services that an argument means."""
    if service and service not in SERVICES:
        raise typer.BadParameter(f"there is no service {service}; there are {', '.join(SERVICES)}.")
    return [service] if service else [*SERVICES]


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
