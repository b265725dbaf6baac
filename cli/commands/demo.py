"""demo: the journey of a newcomer, each call as curl and as gRPC."""

from __future__ import annotations

import typer

from cli.commands.output import examples


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Use", epilog=examples("trellis demo"))(demo)


def demo() -> None:
    """Sign up, verify, sign in, make an organization and manage its members, showing every call."""
    from cli.journey import walk

    walk()
