"""gen: everything that is derived from the contract."""

from __future__ import annotations

import subprocess
import sys

import typer

from cli.commands.output import Failed, examples
from cli.home import ROOT


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Contracts", epilog=examples("trellis gen", "trellis gen --check"))(gen)


def gen(check: bool = typer.Option(False, help="Change nothing; fail if something would change.")) -> None:
    """Derive stubs, policies and the edge from proto/ (needs the development requirements)."""
    done = subprocess.run([sys.executable, "-m", "compiler", *(["--check"] if check else [])], cwd=ROOT, check=False)
    if done.returncode:
        raise Failed("the contract and what is derived from it disagree; the lines above say where.")
