"""How commands answer: the answer on standard output, in one of three forms; everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

_PIPED_COLUMNS = 200  # another program reads: no line is broken for a screen


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Output = Annotated[Format, typer.Option("--output", "-o", help="How to print the answer: for people, or for programs.")]
"""The option that every command with an answer takes."""


class Failed(Exception):
    """The command could not do what it was asked; exit code 1. The message says what helps."""


class NotReady(Exception):
    """The platform is not running or not healthy; exit code 3."""


def examples(*commands: str) -> str:
    """Return the end of a command's help: what people type."""
    return "\n\n".join(["Examples:", *commands])


def listing(rows: Sequence[Mapping[str, Any]], output: Format, columns: Mapping[str, str] | None = None) -> None:
    """Print things of one kind. `columns` are those of the table, by the key of the value; all keys without."""
    if output is not Format.TABLE:
        return document(list(rows), output)
    shown = columns or {key: key.replace("_", " ") for key in (rows[0] if rows else {})}
    table("", list(shown.values()), [[_cell(row.get(key)) for key in shown] for row in rows])


def record(value: Mapping[str, Any], output: Format) -> None:
    """Print one thing, field by field."""
    if output is not Format.TABLE:
        return document(value, output)
    table("", ["field", "value"], [[key.replace("_", " "), _cell(item)] for key, item in value.items()])


def document(value: Any, output: Format) -> None:
    """Print a value for programs."""
    if output is not Format.YAML:
        return answer(value)
    import yaml

    sys.stdout.write(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000))


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
    from rich.text import Text

    drawn = Table(title=title or None, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")  # a shortened name cannot be typed again
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))  # text as it is: brackets in it are no markup
    Console(width=None if sys.stdout.isatty() else _PIPED_COLUMNS).print(drawn)


def _cell(value: Any) -> str:
    """Return a value as a person reads it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value))
        case dict():
            return json.dumps(value, ensure_ascii=False)
    return str(value)
