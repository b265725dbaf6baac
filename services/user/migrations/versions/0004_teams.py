"""Teams and who is in them."""

import sqlalchemy as sa
from alembic import op

revision = "0004_teams"
down_revision = "0003_invitations"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "teams",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name", ondelete="CASCADE"), nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("parent_team", sa.Text, nullable=False, comment="Empty for a team at the top."),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("teams_by_organization", "teams", ["organization", "name"])
    op.create_index("teams_by_parent_team", "teams", ["parent_team"])
    op.create_index("teams_by_display_name", "teams", ["organization", sa.text("lower(display_name)")], unique=True)
    op.create_table(
        "team_members",
        sa.Column("team", sa.Text, sa.ForeignKey("teams.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization", "user"],
            ["memberships.organization", "memberships.user"],
            name="team_members_are_members",
            ondelete="CASCADE",
        ),
    )
    op.create_index("team_members_by_user", "team_members", ["organization", "user"])


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("team_members")
    op.drop_table("teams")
