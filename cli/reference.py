"""`docs/cli.md`, derived from the commands themselves: `python -m cli.reference [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from cli.home import ROOT
from cli.main import app

TARGET = ROOT / "docs" / "cli.md"
_HEAD = """\
# The `trellis` command

Derived from the commands: change them, then run `make gen`. `trellis COMMAND --help` says the same.

- Standard output holds the answer and nothing else; progress and notes go to standard error. NO_COLOR is honoured.
- `-o table`, `-o json` and `-o yaml` are the same everywhere. A table is for people; programs read the other two.
- Exit codes: 0 done, 1 failed, 2 not used rightly, 3 not ready: the platform is not up, or not healthy.
- `TRELLIS_HOME` chooses the platform, `TRELLIS_PROFILE` who is signed in, `TRELLIS_TOKEN` a token in place of a profile.
"""


def render() -> str:
    """Return the whole page."""
    group: Any = typer.main.get_command(app)
    by_panel: dict[str, list[str]] = {}
    for name, command in group.commands.items():
        by_panel.setdefault(command.rich_help_panel, []).extend(_sections(command, name))
    panels = [f"## {panel}\n\n" + "\n\n".join(sections) for panel, sections in by_panel.items()]
    return "\n\n".join([_HEAD.rstrip(), *panels]) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` say whether it is current."""
    text = render()
    if "--check" not in arguments:
        TARGET.write_text(text)
        return 0
    if TARGET.exists() and TARGET.read_text() == text:
        return 0
    sys.stderr.write("docs/cli.md is not what the commands say; run `make gen`.\n")
    return 1


def _sections(command: Any, words: str) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, each in command.commands.items():
            yield from _sections(each, f"{words} {name}")
        return
    arguments = [parameter for parameter in command.params if not parameter.opts[0].startswith("-")]
    options = [parameter for parameter in command.params if parameter.opts[0].startswith("-")]
    usage = " ".join([words, *(_argument(each) for each in arguments)])
    parts = [f"### trellis {usage}", _text(command.help), _options(arguments + options), _examples(command.epilog or "")]
    yield "\n\n".join(part for part in parts if part)


def _argument(parameter: Any) -> str:
    name = parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _options(parameters: list[Any]) -> str:
    return "\n".join(_option(parameter) for parameter in parameters if parameter.help)


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    if not parameter.opts[0].startswith("-"):
        names = f"`{parameter.name.upper()}`"
    variable = f" Also `{parameter.envvar}`." if parameter.envvar else ""
    return f"- {names}: {parameter.help}{variable}"


def _text(help_text: str | None) -> str:
    paragraphs = (help_text or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _examples(epilog: str) -> str:
    shown = epilog.split("\n\n")[1:]
    return "\n".join(["```sh", *shown, "```"]) if shown else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
