"""backup: everything that would be missed, in one file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands.databases import reached, url_of
from cli.commands.output import Failed, Format, Output, examples, explain, record
from cli.home import SERVICES, Home, home

VARIABLE = "TRELLIS_BACKUP_PASSPHRASE"
PassphraseFile = Annotated[
    str,
    typer.Option(
        "--passphrase-file", help=f"File whose first line is the passphrase; else {VARIABLE}, else it is asked for."
    ),
]
File = Annotated[Path, typer.Argument(help="The archive.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    backup = typer.Typer(help="Keep everything that would be missed in one file, and bring it back.", no_args_is_help=True)
    backup.command(epilog=_CREATE)(create)
    backup.command(epilog=examples("trellis backup verify trellis-20260101T120000Z.tar"))(verify)
    backup.command(epilog=_RESTORE)(restore)
    app.add_typer(backup, name="backup", rich_help_panel="Care")


_CREATE = examples("trellis backup create", "trellis backup create /backups --passphrase-file /root/backup.passphrase")
_RESTORE = examples(
    "trellis backup restore trellis-20260101T120000Z.tar --yes",
    "TRELLIS_HOME=/srv/again trellis backup restore trellis-20260101T120000Z.tar --yes",
)


def create(
    directory: Annotated[Path, typer.Argument(help="Where to; it must exist.")] = Path(),
    passphrase_file: PassphraseFile = "",
    output: Output = Format.TABLE,
) -> None:
    """Write all databases and the sealed secrets into one archive while the platform runs.

    Each database is as of one moment. The root secrets and keys are encrypted under a passphrase (scrypt, AES-256-GCM);
    the databases are not: they hold addresses and password hashes, so keep the archive as you keep the databases. Not in it:
    Valkey, mail and logs.
    """
    from cli import backup

    secret = passphrase(passphrase_file, confirm=True)
    urls = {service: url_of(service) for service in SERVICES}
    with reached("the services"):
        made = backup.create(home(), directory, secret, urls)
    if outside := backup.outside():
        explain(f"Not in it, since the environment has them: {', '.join(outside)}.")
    record(_summary(made.file, made.manifest), output)


def verify(file: File, passphrase_file: PassphraseFile = "", output: Output = Format.TABLE) -> None:
    """Read an archive to its end: hashes, every row of every dump, and with a passphrase the secrets."""
    from cli import backup

    secret = passphrase(passphrase_file, needed=False)
    found = backup.verify(file, _programs(home()), secret)
    if not secret:
        explain(f"The secrets were not opened: give the passphrase by --passphrase-file or {VARIABLE} to try them too.")
    opened = "not tried" if found.secrets is None else "opened"
    record({**_summary(file, found.manifest), "verdict": "whole", "secrets": opened}, output)


def restore(
    file: File,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    passphrase_file: PassphraseFile = "",
    output: Output = Format.TABLE,
) -> None:
    """Bring a backup back into an empty home. What failed half way leaves the home as empty as it was."""
    from cli import backup
    from cli.home import refuse_taken

    here = home()
    _refuse_running(here)
    backup.refuse_used(here)
    confirmed(yes, f"Restore {file} into {here.path}?")
    refuse_taken({"postgres": here.ports["postgres"]})
    found = backup.restore(file, here, passphrase(passphrase_file))
    explain("Restored. Start it with `trellis up`.")
    record(_summary(file, found.manifest), output)


def passphrase(file: str, *, needed: bool = True, confirm: bool = False) -> str:
    """Return the passphrase from a file, the environment or the terminal. Raises Failed if it is in none of them."""
    if file:
        try:
            return Path(file).read_text().partition("\n")[0].rstrip("\r")
        except OSError as error:
            raise typer.BadParameter(f"{file} cannot be read: {error.strerror}.") from None
    if found := os.environ.get(VARIABLE):
        return found
    if not needed:
        return ""
    if not sys.stdin.isatty():
        raise Failed(
            f"the secrets are not kept without a passphrase: give one by --passphrase-file or {VARIABLE}. Keep it elsewhere "
            f"than the archive: without it nobody brings the secrets back, and without them no session goes on."
        )
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True))


def confirmed(yes: bool, question: str) -> None:
    """Ask before something is lost. Raises a usage error where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here: say --yes.")
    typer.confirm(question, abort=True, err=True)


def _summary(file: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    rows = {service: sum(part["rows"].values()) for service, part in manifest["services"].items()}
    revisions = {service: part["revision"] for service, part in manifest["services"].items()}
    made = {"create_time": manifest["create_time"], "trellis": manifest["versions"]["trellis"]}
    return {"file": str(file), "bytes": file.stat().st_size, **made, "rows": rows, "revisions": revisions}


def _programs(here: Home) -> Path:
    from cli.engines.postgres import PostgresEngine

    return PostgresEngine(here.path, here.ports["postgres"]).programs


def _refuse_running(here: Home) -> None:
    from cli.control import NotRunning, ask

    try:
        ask(here, "status")
    except NotRunning:
        return
    raise Failed(f"Trellis runs from {here.path}; a backup is restored into an empty home that does not run.")
