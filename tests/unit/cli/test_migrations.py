"""New revisions are numbered and chained; dangerous ones are found before they meet a running platform."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli import migrations
from cli.commands.output import Failed
from cli.home import ROOT, SERVICES
from cli.migrations import Revision, lint, new, sql_of

HEAD = '''"""A revision."""

import sqlalchemy as sa
from alembic import op

revision = {name!r}
down_revision = {before!r}
{allows}

def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''


@pytest.fixture(autouse=True)
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a service that has no revisions yet; its store is that of the real one."""
    directory = tmp_path / "user" / "migrations" / "versions"
    directory.mkdir(parents=True)
    for name in ("script.py.mako", "env.py"):
        shutil.copy(ROOT / "services" / "user" / "migrations" / name, directory.parent / name)
    monkeypatch.setattr(migrations, "SERVICES_DIRECTORY", tmp_path)
    return directory


def write(
    versions: Path, up: str, *, down: str = "op.execute('SELECT 1')", allows: str = "", name: str = "0001_first"
) -> None:
    before = max((path.stem for path in versions.glob("*.py")), default=None)
    (versions / f"{name}.py").write_text(HEAD.format(name=name, before=before, allows=allows, up=up, down=down))


def rules(versions: Path, up: str) -> list[str]:
    write(versions, up)
    return [danger.rule for danger in lint("user")]


@pytest.mark.parametrize(
    ("up", "rule"),
    [
        ('op.add_column("users", sa.Column("age", sa.BigInteger, nullable=False))', "adding-required-field"),
        ('op.alter_column("users", "time_zone", nullable=False)', "adding-not-nullable-field"),
        ('op.create_index("users_by_email", "users", ["email"])', "require-concurrent-index-creation"),
        ('op.drop_index("users_by_email", "users")', "require-concurrent-index-deletion"),
        ('op.alter_column("users", "version", type_=sa.Integer)', "changing-column-type"),
        ('op.alter_column("users", "email", new_column_name="mail")', "renaming-column"),
        ('op.rename_table("users", "people")', "renaming-table"),
        ('op.drop_column("users", "email")', "drops-what-is-read"),
        ('op.drop_table("users")', "drops-what-is-read"),
        ('op.create_check_constraint("some", "users", "version > 0")', "constraint-missing-not-valid"),
        ('op.execute("SET lock_timeout = 0; ALTER TABLE users ADD COLUMN x text")', "require-lock-timeout"),
        ('op.execute("ALTER TABEL users")', "syntax-error"),
        ('op.get_bind().execute(sa.text("SELECT 1")).scalar_one()', "offline"),
        ("raise NotImplementedError", "unwritten"),
    ],
)
def test_a_danger_is_found_by_its_name(versions: Path, up: str, rule: str) -> None:
    assert rule in rules(versions, up)


@pytest.mark.parametrize(
    "up",
    [
        'op.add_column("users", sa.Column("age", sa.BigInteger))',
        'op.add_column("users", sa.Column("age", sa.BigInteger, nullable=False, server_default="0"))',
        'op.drop_column("users", "nobody_reads_this")',
        'op.create_table("things", sa.Column("name", sa.Text, primary_key=True)); op.create_index("x", "things", ["name"])',
        'op.create_check_constraint("some", "users", "version > 0", postgresql_not_valid=True)',
    ],
)
def test_what_holds_nobody_up_is_no_danger(versions: Path, up: str) -> None:
    assert rules(versions, up) == []


def test_an_index_built_beside_the_platform_is_no_danger(versions: Path) -> None:
    block = "with op.get_context().autocommit_block():\n        "
    up = 'op.create_index("users_by_email", "users", ["email"], postgresql_concurrently=True)'

    assert rules(versions, block + up) == []


def test_one_built_concurrently_inside_the_transaction_cannot_work(versions: Path) -> None:
    up = 'op.create_index("users_by_email", "users", ["email"], postgresql_concurrently=True)'

    assert rules(versions, up) == ["ban-concurrent-index-creation-in-transaction"]


@pytest.mark.parametrize("down", ["pass", "raise NotImplementedError"])
def test_a_way_back_is_wanted(versions: Path, down: str) -> None:
    write(versions, 'op.add_column("users", sa.Column("age", sa.BigInteger))', down=down)

    assert [danger.rule for danger in lint("user")] == ["missing-downgrade"]


@pytest.mark.parametrize(("why", "left"), [("nobody has used it yet", []), ("", ["renaming-column"])])
def test_what_is_meant_is_allowed_with_a_reason(versions: Path, why: str, left: list[str]) -> None:
    up = 'op.alter_column("users", "mail", new_column_name="post")'
    write(versions, up, allows=f'LINT_ALLOWS = {{"renaming-column": "{why}"}}')

    assert [danger.rule for danger in lint("user")] == left


def test_two_that_follow_the_same_are_told_to_line_up(versions: Path) -> None:
    write(versions, "pass", down="pass")
    write(versions, "pass", down="pass", name="0002_mine")
    (versions / "0003_yours.py").write_text(
        HEAD.format(name="0003_yours", before="0001_first", allows="", up="pass", down="pass")
    )

    [danger] = lint("user")

    assert (danger.revision, danger.rule, danger.fix) == (
        "0003_yours",
        "chain",
        "set down_revision to '0002_mine', or renumber it",
    )
    with pytest.raises(Failed, match="0003_yours"):
        new("user", "one more")


def test_the_next_revision_follows_the_last(versions: Path) -> None:
    write(versions, "pass", down="pass")
    write(versions, "pass", down="pass", name="0007_teams")

    path = new("user", "add a Nickname, to users.")
    revision = Revision("user", path).module()

    assert path == versions / "0008_add_a_nickname_to_users.py"
    assert (revision.revision, revision.down_revision) == ("0008_add_a_nickname_to_users", "0007_teams")
    assert revision.__doc__ == "Add a Nickname, to users."
    assert [danger.rule for danger in lint("user")] == ["unwritten"]


def test_a_revision_needs_words(versions: Path) -> None:
    with pytest.raises(Failed, match="gives a file no name"):
        new("user", "…!")


@pytest.mark.parametrize("service", SERVICES)
def test_the_revisions_there_are_run_without_a_database_and_are_harmless(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "SERVICES_DIRECTORY", ROOT / "services")

    assert lint(service) == []
    assert "CREATE TABLE outbox" in sql_of(migrations.revisions(service)[0].module(), "upgrade")
