"""`.env.example`, derived from every `config.py`: `python -m services.chassis.env_example [--check]`.

Fields are read from the source, not from the classes: the string under a field is its documentation, and Python keeps none.
"""

from __future__ import annotations

import ast
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGET = ROOT / ".env.example"
PREFIX = "TRELLIS_"
_HEAD = """\
# Every setting that a service reads, as its config.py documents it. Derived: change config.py, then run `make gen`.
# `trellis up` sets all of them itself; this file is for running a service alone.
# A line that begins with `# TRELLIS_` shows a default. The others have none and must be set.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable."""

    name: str
    default: str | None
    """As it would be written in the environment; None where there is none."""
    doc: str


def settings(config: Path) -> Iterator[Setting]:
    """Yield the settings that a config.py declares, in its order."""
    tree = ast.parse(config.read_text())
    for found in (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name.endswith("Config")):
        for field, below in zip(found.body, [*found.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                yield Setting(PREFIX + field.target.id.upper(), _default(field.value), _text(below))


def render(root: Path = ROOT) -> str:
    """Return the whole file: what all services read, then what each reads beside it."""
    services = sorted(path for path in (root / "services").glob("*/config.py") if path.parent.name != "chassis")
    parts = [_HEAD, _section("All services", root / "services" / "chassis" / "config.py")]
    return "\n".join([*parts, *(_section(f"The {path.parent.name} service", path) for path in services)])


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` say whether it is current."""
    text = render()
    if "--check" not in arguments:
        TARGET.write_text(text)
        return 0
    if TARGET.exists() and TARGET.read_text() == text:
        return 0
    sys.stderr.write(".env.example is not what the config.py files say; run `make gen`.\n")
    return 1


def _section(title: str, config: Path) -> str:
    return "\n".join([f"# --- {title} ---", "", *(_lines(setting) for setting in settings(config))])


def _lines(setting: Setting) -> str:
    line = f"{setting.name}=" if setting.default is None else f"# {setting.name}={_quoted(setting.default)}"
    return f"# {setting.doc}\n{line}\n"


def _quoted(text: str) -> str:
    """Return the value as a shell and a dotenv reader both take it."""
    return shlex.quote(text) if text else ""


def _default(value: ast.expr | None) -> str | None:
    if isinstance(value, ast.Call):  # Field(default=…, …)
        value = next((keyword.value for keyword in value.keywords if keyword.arg == "default"), None)
    return None if value is None else str(ast.literal_eval(value))


def _text(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(node.value.value.split())
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
