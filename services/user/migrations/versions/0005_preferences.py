"""Preferences of users, and the defaults of organizations."""

import sqlalchemy as sa
from alembic import op

revision = "0005_preferences"
down_revision = "0004_teams"


def upgrade() -> None:
    """Create the table."""
    fields = ("theme", "date_format", "clock_format", "first_weekday", "digest", "rows_per_page")
    op.create_table(
        "preferences",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.name", ondelete="CASCADE"), index=True),
        sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name", ondelete="CASCADE"), index=True),
        *(sa.Column(field, sa.SmallInteger, nullable=False, server_default="0") for field in fields),
        sa.Column("update_time", sa.DateTime(timezone=True)),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("preferences")
