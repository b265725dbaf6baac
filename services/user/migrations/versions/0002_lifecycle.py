"""What state an account is in, and when accounts and organizations are to be purged."""

import sqlalchemy as sa
from alembic import op

revision = "0002_lifecycle"
down_revision = "0001_create"

PURGED = sa.text("purge_time IS NOT NULL")


def upgrade() -> None:
    """Add what is not there; no row is rewritten."""
    op.add_column("users", sa.Column("state", sa.SmallInteger, nullable=False, server_default="1"))
    for name in ("deactivate_time", "delete_time", "purge_time"):
        op.add_column("users", sa.Column(name, sa.DateTime(timezone=True)))
    for table in ("users", "organizations"):
        op.create_index(f"{table}_by_purge_time", table, ["purge_time"], postgresql_where=PURGED)


def downgrade() -> None:
    """Drop what was added."""
    for table in ("users", "organizations"):
        op.drop_index(f"{table}_by_purge_time", table)
    for name in ("purge_time", "delete_time", "deactivate_time", "state"):
        op.drop_column("users", name)
