"""Which organizations are gone for good and leave something behind."""

import sqlalchemy as sa
from alembic import op

revision = "0008_purge"
down_revision = "0007_retention"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "purged_organizations",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("purge_time", sa.DateTime(timezone=True), nullable=False),
        comment="Gone for good; what they leave behind here is being deleted.",
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("purged_organizations")
