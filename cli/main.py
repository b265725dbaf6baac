"""The command line. Only the answer goes to standard output; exit codes: 0 ok, 1 failed, 2 usage, 3 not ready."""

from __future__ import annotations

import sys

import typer

from cli.commands import calls, contracts, databases, demo, doctor, lifecycle, mails

app = typer.Typer(
    name="trellis",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Run the Trellis platform on this machine and talk to it. Start with [bold]trellis up[/bold].",
    pretty_exceptions_enable=False,
)
for module in (lifecycle, calls, mails, databases, contracts, doctor, demo):
    module.register(app)


def main() -> None:
    """Run the command line; an unexpected error shows one line, and all of it with TRELLIS_DEBUG=1."""
    from cli.commands.output import Failed, NotReady, explain

    try:
        app()
    except NotReady as error:
        explain(str(error))
        sys.exit(3)
    except Failed as error:
        explain(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
