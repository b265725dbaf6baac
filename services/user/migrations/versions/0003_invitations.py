"""Invitations, the mails of the last hour, and domains."""

import sqlalchemy as sa
from alembic import op

revision = "0003_invitations"
down_revision = "0002_lifecycle"


def upgrade() -> None:
    """Create the tables, and find users by address."""
    op.create_table(
        "invitations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name", ondelete="CASCADE"), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("role", sa.SmallInteger, nullable=False),
        sa.Column("inviter", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
    )
    op.create_index("invitations_by_organization", "invitations", ["organization", "id"])
    op.create_index("invitations_by_expire_time", "invitations", ["expire_time"])
    op.create_index(
        "invitations_pending",
        "invitations",
        ["organization", "email"],
        unique=True,
        postgresql_where=sa.text("state = 1"),
    )
    op.create_table(
        "invitation_mails",
        sa.Column("sequence", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name", ondelete="CASCADE"), nullable=False),
        sa.Column("inviter", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("request_time", sa.DateTime(timezone=True), nullable=False),
        comment="Mails of the last hour, to count them.",
    )
    op.create_index("invitation_mails_by_organization", "invitation_mails", ["organization", "request_time"])
    op.create_index("invitation_mails_by_inviter", "invitation_mails", ["inviter", "request_time"])
    op.create_table(
        "domains",
        sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("hostname", sa.Text, primary_key=True),
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capture", sa.Boolean, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("verify_time", sa.DateTime(timezone=True)),
        sa.Column("check_time", sa.DateTime(timezone=True)),
        sa.Column("seen_time", sa.DateTime(timezone=True)),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("domains_verified", "domains", ["hostname"], unique=True, postgresql_where=sa.text("state = 2"))
    op.create_index("domains_due", "domains", ["check_time"], postgresql_where=sa.text("state = 2"))
    op.create_index("domains_by_hostname", "domains", ["hostname"])
    with op.get_context().autocommit_block():
        op.create_index("users_by_email", "users", ["email"], postgresql_concurrently=True)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("domains")
    op.drop_table("invitation_mails")
    op.drop_table("invitations")
    op.drop_index("users_by_email", "users")
