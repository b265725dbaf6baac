"""Whether somebody may sign in to an account."""

import sqlalchemy as sa
from alembic import op

revision = "0005_lifecycle"
down_revision = "0001_create"


def upgrade() -> None:
    """Add what is not there; no row is rewritten."""
    op.add_column("accounts", sa.Column("state", sa.SmallInteger, nullable=False, server_default="1"))


def downgrade() -> None:
    """Drop what was added."""
    op.drop_column("accounts", "state")
