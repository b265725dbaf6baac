"""Revisions of the services' databases: the next one, and what is dangerous about those there are.

A revision is run offline: alembic writes the SQL that it would send, squawk finds the locks in it, and the code says which
columns it still reads. What somebody means all the same stands in the revision as `LINT_ALLOWS = {"rule": "why"}`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.commands.output import Failed
from cli.home import ROOT
from services.chassis.db.migrate import LOCK_TIMEOUT

SERVICES_DIRECTORY = ROOT / "services"
LONGEST_NAME = 48
LOCKS = frozenset(
    {
        *(
            "adding-field-with-default",
            "adding-foreign-key-constraint",
            "adding-not-nullable-field",
            "adding-required-field",
        ),
        *("adding-serial-primary-key-field", "ban-concurrent-index-creation-in-transaction", "changing-column-type"),
        *("constraint-missing-not-valid", "disallowed-unique-constraint", "renaming-column", "renaming-table"),
        *("require-concurrent-index-creation", "require-concurrent-index-deletion", "require-lock-timeout", "syntax-error"),
    }
)
"""The rules of squawk that are about locks and running code; the others are about taste."""
_POSTGRES = "18"
_DROPPED = re.compile(r"ALTER TABLE \"?(\w+)\"? DROP COLUMN (?:IF EXISTS )?\"?(\w+)\"?", re.IGNORECASE)
_TABLE_DROPPED = re.compile(r"DROP TABLE (?:IF EXISTS )?\"?(\w+)\"?", re.IGNORECASE)
_PATIENT = re.compile(
    r"(?:SET(?: LOCAL| SESSION)?\s+lock_timeout\s*(?:=|TO)\s*'?(?:0|DEFAULT))|RESET\s+(?:lock_timeout|ALL)", re.I
)


@dataclass(frozen=True, slots=True)
class Danger:
    """What a revision would do to a running platform."""

    service: str
    revision: str
    rule: str
    wrong: str
    fix: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One file of a service's migrations."""

    service: str
    path: Path

    @property
    def name(self) -> str:
        """The name of the file, which is that of the revision."""
        return self.path.stem

    def module(self) -> Any:
        """Return the file as a module of its own."""
        spec = importlib.util.spec_from_file_location(f"revision_{self.service}_{self.name}", self.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def revisions(service: str) -> list[Revision]:
    """Return a service's revisions, oldest first."""
    directory = SERVICES_DIRECTORY / service / "migrations" / "versions"
    return [Revision(service, path) for path in sorted(directory.glob("[0-9]*.py"))]


def new(service: str, message: str) -> Path:
    """Write the next revision from the service's template and return its path. Raises Failed."""
    from alembic import command
    from alembic.config import Config

    words = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:LONGEST_NAME].strip("_")
    if not words:
        raise Failed(f"{message!r} gives a file no name: say in a few words what the revision does.")
    if broken := _chain(service, revisions(service)):
        raise Failed(f"{broken[0].revision}: {broken[0].wrong}; {broken[0].fix}.")
    number = int(revisions(service)[-1].name.partition("_")[0]) + 1
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(SERVICES_DIRECTORY / service / "migrations"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s")
    with contextlib.redirect_stdout(io.StringIO()):
        script: Any = command.revision(config, message[0].upper() + message[1:].rstrip("."), rev_id=f"{number:04d}_{words}")
    return Path(script.path)


def lint(service: str) -> list[Danger]:
    """Return what is dangerous in a service's revisions. Raises Failed if squawk is not installed."""
    found = revisions(service)
    dangers = _chain(service, found)
    for revision in found:
        module = revision.module()
        allowed: dict[str, str] = getattr(module, "LINT_ALLOWS", {})
        dangers += [each for each in _of(revision, module) if not allowed.get(each.rule, "").strip()]
    return dangers


def sql_of(module: Any, way: str) -> str:
    """Return the SQL that a revision sends on its way up or down."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    text = io.StringIO()
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": text})
    with Operations.context(context):
        getattr(module, way)()
    return text.getvalue()


def _of(revision: Revision, module: Any) -> Iterator[Danger]:
    def danger(rule: str, wrong: str, fix: str) -> Danger:
        return Danger(revision.service, revision.name, rule, wrong, fix)

    try:
        sql = sql_of(module, "upgrade")
    except NotImplementedError:
        yield danger("unwritten", "does nothing yet", "write upgrade() and downgrade(), or remove the file")
        return
    except Exception as error:
        yield danger("offline", f"cannot be run without a database ({error})", "use op and no connection, or allow it")
        return
    try:
        back = sql_of(module, "downgrade").strip()
    except (NotImplementedError, AttributeError):
        back = ""
    if sql.strip() and not back:
        yield danger("missing-downgrade", "has no way back", "write downgrade()")
    if _PATIENT.search(sql):
        yield danger("require-lock-timeout", "waits for locks without an end", "leave lock_timeout at the runner's 2 s")
    yield from (danger(*each) for each in _still_used(revision.service, sql))
    yield from (danger(*each) for each in _squawked(sql))


def _chain(service: str, found: list[Revision]) -> list[Danger]:
    """Return where revisions do not follow one another in the order of their numbers."""
    dangers, before = [], None
    for revision in found:
        module = revision.module()
        if module.revision != revision.name:
            wrong = f"is named {revision.name} and says {module.revision}"
            dangers.append(Danger(service, revision.name, "chain", wrong, "let both be the same"))
        if module.down_revision != before:
            wrong = f"follows {module.down_revision}, but {before} stands before it"
            dangers.append(
                Danger(service, revision.name, "chain", wrong, f"set down_revision to {before!r}, or renumber it")
            )
        before = module.revision
    return dangers


def _still_used(service: str, sql: str) -> Iterator[tuple[str, str, str]]:
    """Yield columns and tables that go although the code of this checkout reads them."""
    metadata = importlib.import_module(f"services.{service}.store.tables").metadata
    fix = "remove it from the store first, and drop it a release later"
    for table, column in _DROPPED.findall(sql):
        if table in metadata.tables and column in metadata.tables[table].columns:
            yield "drops-what-is-read", f"drops {table}.{column}, which the store still reads", fix
    for table in _TABLE_DROPPED.findall(sql):
        if table in metadata.tables:
            yield "drops-what-is-read", f"drops the table {table}, which the store still reads", fix


def _squawked(sql: str) -> Iterator[tuple[str, str, str]]:
    """Yield what squawk says of the SQL, as the runner sends it: after its lock timeout, in one transaction."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "revision.sql"
        file.write_text(f"{LOCK_TIMEOUT};\nBEGIN;\n{sql}\nCOMMIT;\n")
        done = subprocess.run(
            [_program(), "--reporter", "json", "--pg-version", _POSTGRES, str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
    if not done.stdout.strip().startswith("["):
        raise Failed(f"squawk did not answer: {done.stderr.strip() or done.stdout.strip()}")
    lines = f"{LOCK_TIMEOUT};\nBEGIN;\n{sql}".splitlines()
    for each in json.loads(done.stdout):
        if each["rule_name"] in LOCKS:
            line = lines[each["line"]] if each["line"] < len(lines) else ""
            yield (
                each["rule_name"],
                f"`{line.strip()}`: {each['message']}",
                each["help"] or "add, use, then remove, in separate releases",
            )


def _program() -> str:
    beside = Path(sys.executable).parent / "squawk"
    found = str(beside) if beside.exists() else shutil.which("squawk")
    if found is None:
        raise Failed("squawk is not installed: `make install-dev` installs it.")
    return found
