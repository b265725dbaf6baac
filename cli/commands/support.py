"""support-bundle: what helps somebody else to help."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.commands.databases import url_of
from cli.commands.output import Format, Output, examples, explain, record
from cli.home import home


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = examples("trellis support-bundle", "trellis support-bundle -f /tmp/for-support.tar.gz")
    app.command("support-bundle", rich_help_panel="Care", epilog=shown)(support_bundle)


def support_bundle(
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Where to; a name with the time without.")] = None,
    output: Output = Format.TABLE,
) -> None:
    """Write versions, status, doctor's findings, settings, migrations, ports and recent logs into one archive.

    Secrets of the home are replaced wherever they stand, and so is what looks like a token, a key, a password or an address;
    of a service's log lines only harmless fields stay. Read it before you send it: it is a tar of text files.
    """
    from cli import bundle

    target = file or Path(f"trellis-support-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
    names = bundle.write(home(), target, url_of)
    explain("Read it before you send it.")
    record({"file": str(target), "bytes": target.stat().st_size, "contents": names}, output)
