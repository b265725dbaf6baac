"""Custom attributes of members, and their schemas."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006_attributes"
down_revision = "0005_preferences"


def upgrade() -> None:
    """Add the column and the table; the default is kept in the catalogue, no row is written."""
    op.add_column("memberships", sa.Column("attributes", JSONB, nullable=False, server_default="{}"))
    op.create_table(
        "attribute_schemas",
        sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("schema", JSONB, nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("attribute_schemas")
    op.drop_column("memberships", "attributes")
