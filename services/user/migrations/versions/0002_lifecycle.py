"""The life of accounts and organizations, operations, and exports and erasures of personal data."""

import sqlalchemy as sa
from alembic import op

from services.chassis.operations import tables as operations

revision = "0002_lifecycle"
down_revision = "0001_create"

INDEXED = ("users", "organizations")
PURGED = sa.text("purge_time IS NOT NULL")


def upgrade() -> None:
    """Add what is not there; no row is rewritten."""
    op.add_column("users", sa.Column("state", sa.SmallInteger, nullable=False, server_default="1"))
    for name in ("deactivate_time", "delete_time", "purge_time"):
        op.add_column("users", sa.Column(name, sa.DateTime(timezone=True)))
    operations.create(op)
    _create_personal_data()
    with op.get_context().autocommit_block():  # nobody who writes has to wait for it
        for table in INDEXED:
            op.create_index(
                f"{table}_by_purge_time", table, ["purge_time"], postgresql_where=PURGED, postgresql_concurrently=True
            )


def _create_personal_data() -> None:
    op.create_table(
        "personal_data_answers",
        sa.Column("operation", sa.Text, primary_key=True),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        comment="What services answered to operations that still run.",
    )
    op.create_table(
        "personal_data_exports",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.name"), nullable=False, index=True),
        sa.Column("document", sa.LargeBinary, nullable=False, comment="Sealed with a key derived from the root secret."),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False, index=True),
    )
    op.create_table(
        "erasure_certificates",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.name"), nullable=False, unique=True),
        sa.Column("certificate", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop what was added."""
    for table in ("erasure_certificates", "personal_data_exports", "personal_data_answers"):
        op.drop_table(table)
    operations.drop(op)
    with op.get_context().autocommit_block():
        for table in INDEXED:
            op.drop_index(f"{table}_by_purge_time", table, postgresql_concurrently=True)
    for name in ("purge_time", "delete_time", "deactivate_time", "state"):
        op.drop_column("users", name)
