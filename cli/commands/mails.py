"""mail: the outbox of development."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands.output import Failed, Format, Output, document, examples, listing
from cli.home import home


def register(app: typer.Typer) -> None:
    """Add the commands."""
    mail = typer.Typer(help="Read the mail that the platform sent.", no_args_is_help=False, invoke_without_command=True)
    mail.callback(epilog=examples("trellis mail"))(overview)
    mail.command("list", epilog=examples("trellis mail list", "trellis mail list -o yaml"))(show_all)
    mail.command(epilog=examples("trellis mail show", "trellis mail show ada@example.com --link"))(show)
    app.add_typer(mail, name="mail", rich_help_panel="Use")


def overview(context: typer.Context, output: Output = Format.TABLE) -> None:
    """Read the mail that the platform sent: a list, newest last."""
    if not context.invoked_subcommand:
        show_all(output)


def show_all(output: Output = Format.TABLE) -> None:
    """List the mails, newest last."""
    mails = [_read(path) for path in outbox()]
    if output is not Format.TABLE:
        return document(mails, output)
    listing([{**mail, "time": mail["time"][:19]} for mail in mails], output, {k: k for k in ("id", "time", "to", "subject")})


def show(
    which: Annotated[str, typer.Argument(help="An id, an address, or `latest`.")] = "latest",
    link: Annotated[bool, typer.Option("--link", help="Print only the token of the link.")] = False,
) -> None:
    """Print one mail."""
    mail = find(which)
    if not link:
        sys.stdout.write(f"To: {mail['to']}\nSubject: {mail['subject']}\n\n{mail['text']}")
        return
    sys.stdout.write(token_of(mail) + "\n")


def outbox() -> list[Path]:
    """Return the mails, oldest first."""
    return sorted(home().mail.glob("*.json"))


def find(which: str) -> dict[str, Any]:
    """Return the newest mail that `which` means. Raises Failed."""
    for path in reversed(outbox()):
        mail = _read(path)
        if which in ("latest", mail["id"], mail["to"]):
            return mail
    raise Failed(f"no mail for {which}; `trellis mail` lists what there is.")


def token_of(mail: dict[str, Any]) -> str:
    """Return the token that a mail carries on a line of its own. Raises Failed."""
    _, found, rest = mail["text"].partition("Token:\n")
    if not found:
        raise Failed("this mail carries no token.")
    return str(rest.split()[0])


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found
