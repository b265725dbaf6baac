"""Whether somebody may sign in to an account, and what was answered to erasures."""

import sqlalchemy as sa
from alembic import op

from services.chassis.personal_data import tables as personal_data

revision = "0005_lifecycle"
down_revision = "0004_access"


def upgrade() -> None:
    """Add what is not there; no row is rewritten."""
    op.add_column("accounts", sa.Column("state", sa.SmallInteger, nullable=False, server_default="1"))
    personal_data.create(op)


def downgrade() -> None:
    """Drop what was added."""
    personal_data.drop(op)
    op.drop_column("accounts", "state")
