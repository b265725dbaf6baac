"""The command line. Only the answer goes to standard output; exit codes: 0 ok, 1 failed, 2 usage, 3 not ready."""

from __future__ import annotations

import os
import sys

import typer

from cli.commands import (
    backups,
    calls,
    config,
    contracts,
    databases,
    demo,
    doctor,
    keys,
    lifecycle,
    mails,
    people,
    seeding,
    support,
    tokens,
)

app = typer.Typer(
    name="trellis",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Run the Trellis platform on this machine and talk to it. Start with [bold]trellis up[/bold].",
    pretty_exceptions_enable=False,
)
for module in (
    lifecycle,
    calls,
    tokens,
    people,
    keys,
    mails,
    seeding,
    databases,
    contracts,
    doctor,
    config,
    backups,
    support,
    demo,
):
    module.register(app)


def main() -> None:
    """Run the command line; an unexpected error shows one line, and all of it with TRELLIS_DEBUG=1."""
    from cli.commands.output import Failed, NotReady, explain
    from cli.control import NoAnswer, NotPrivate

    try:
        app()
    except (NotReady, NoAnswer) as error:
        explain(str(error))
        sys.exit(3)
    except (Failed, NotPrivate) as error:
        explain(str(error))
        sys.exit(1)
    except Exception as error:
        if os.environ.get("TRELLIS_DEBUG"):
            raise
        explain(f"{type(error).__name__}: {error} (TRELLIS_DEBUG=1 shows where)")
        sys.exit(1)


if __name__ == "__main__":
    main()
