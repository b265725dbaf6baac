"""The runner of migrations: what a block commits on its way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli.engines.postgres import PostgresEngine
from services.chassis.db import migrate

REVISIONS = {
    "0001_create": """
revision, down_revision = "0001_create", None

def upgrade():
    op.create_table("things", sa.Column("name", sa.Text, primary_key=True), sa.Column("kind", sa.Text))
""",
    "0002_index": """
revision, down_revision = "0002_index", "0001_create"

def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("things_by_kind", "things", ["kind"], postgresql_concurrently=True)
""",
}


@pytest.fixture(autouse=True)
def _service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = tmp_path / "things" / "migrations" / "versions"
    versions.mkdir(parents=True)
    shutil.copy(migrate.SERVICES / "user" / "migrations" / "env.py", versions.parent / "env.py")
    for name, text in REVISIONS.items():
        (versions / f"{name}.py").write_text(f"import sqlalchemy as sa\nfrom alembic import op\n{text}")
    monkeypatch.setattr(migrate, "SERVICES", tmp_path)


def test_an_index_can_be_built_beside_the_platform(postgres: PostgresEngine) -> None:
    postgres.create_database("things_beside")
    url = postgres.url("things_beside")

    migrate.upgrade("things", url)

    assert migrate.status("things", url) == ("0002_index", "0002_index")
    assert (
        postgres.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_by_kind'::regclass", "things_beside") == "t"
    )
