"""One way to print an answer: as a table for people, as JSON or YAML for programs, and nothing else beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from cli.commands.output import Format, listing, record
from cli.main import app

ROWS: list[dict[str, Any]] = [
    {"name": "users/usr_1", "roles": ["OWNER"], "active": True},
    {"name": "users/[usr_2]", "roles": [], "active": None},
]


def commands(group: Any, *words: str) -> Iterator[tuple[str, Any]]:
    """Yield every command with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *words, name)
        else:
            yield " ".join([*words, name]), command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize(("output", "read"), [(Format.JSON, json.loads), (Format.YAML, yaml.safe_load)])
def test_programs_get_what_there_is(output: Format, read: Any, capsys: pytest.CaptureFixture[str]) -> None:
    listing(ROWS, output, {"name": "name"})

    assert read(capsys.readouterr().out) == ROWS


def test_people_get_a_table_in_which_brackets_are_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    listing(ROWS, Format.TABLE, {"name": "who", "active": "active"})

    shown = capsys.readouterr().out
    assert "users/[usr_2]" in shown
    assert "yes" in shown
    assert "OWNER" not in shown


def test_nothing_is_a_table_without_rows_and_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    listing([], Format.TABLE, {"name": "name"})
    listing([], Format.JSON, {"name": "name"})

    assert capsys.readouterr().out.endswith("[]\n")


def test_one_thing_is_shown_field_by_field(capsys: pytest.CaptureFixture[str]) -> None:
    record({"display_name": "Ada", "labels": {"a": 1}}, Format.TABLE)

    shown = capsys.readouterr().out
    assert "display name" in shown
    assert '{"a": 1}' in shown


@pytest.mark.parametrize("words", COMMANDS)
def test_the_help_of_a_command_teaches_by_examples_of_it(words: str) -> None:
    shown = str(COMMANDS[words].epilog or "").split("\n\n")

    assert shown[0] == "Examples:"
    assert any(line.startswith(f"trellis {words}") or f"| trellis {words}" in line for line in shown[1:])


@pytest.mark.parametrize("words", COMMANDS)
def test_the_form_of_an_answer_is_asked_for_in_one_way(words: str) -> None:
    [*found] = [option for option in COMMANDS[words].params if "-o" in option.opts]

    assert all(
        option.opts == ["--output", "-o"] and option.type_descriptor.annotation in (Format, Format | None)
        for option in found
    )


@pytest.mark.parametrize("words", COMMANDS)
def test_help_says_what_a_command_does(words: str) -> None:
    done = CliRunner().invoke(app, [*words.split(), "--help"])

    assert done.exit_code == 0
    assert (COMMANDS[words].help or "").strip()
    assert done.output.count("Examples:") == 1
