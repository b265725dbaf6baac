"""How commands answer: data on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Any

_PIPED_COLUMNS = 200  # another program reads: no line is broken for a screen


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"


class Failed(Exception):
    """The command could not do what it was asked; exit code 1. The message says what helps."""


class NotReady(Exception):
    """The platform is not running or not healthy; exit code 3."""


def answer(value: Any) -> None:
    """Print JSON to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def explain(text: str) -> None:
    """Print a line for people to standard error."""
    sys.stderr.write(text + "\n")


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table to standard output."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title or None, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")  # a shortened name cannot be typed again
    for row in rows:
        drawn.add_row(*row)
    Console(width=None if sys.stdout.isatty() else _PIPED_COLUMNS).print(drawn)
