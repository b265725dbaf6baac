"""The tables of the user service."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("language_code", Text, nullable=False, server_default=""),
    Column("time_zone", Text, nullable=False, server_default=""),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False, server_default="1"),
    Column("deactivate_time", DateTime(timezone=True)),
    Column("delete_time", DateTime(timezone=True)),
    Column("purge_time", DateTime(timezone=True)),
    Index("users_by_purge_time", "purge_time", postgresql_where=text("purge_time IS NOT NULL")),
    Column("provisioned_by", Text, ForeignKey("organizations.name", ondelete="CASCADE")),
    Index("users_by_email", "email"),
    Index("users_by_provisioned_by", "provisioned_by", postgresql_where=text("provisioned_by IS NOT NULL")),
)

organizations = Table(
    "organizations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("delete_time", DateTime(timezone=True)),
    Column("purge_time", DateTime(timezone=True)),
    Column("version", BigInteger, nullable=False),
    Index("organizations_by_purge_time", "purge_time", postgresql_where=text("purge_time IS NOT NULL")),
)

memberships = Table(
    "memberships",
    metadata,
    Column("organization", Text, ForeignKey("organizations.name", ondelete="CASCADE"), primary_key=True),
    Column("user", Text, ForeignKey("users.name"), primary_key=True),
    Column("role", SmallInteger, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("attributes", JSONB, nullable=False, server_default="{}"),
    Index("memberships_by_user", "user"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organization", Text, ForeignKey("organizations.name", ondelete="CASCADE"), nullable=False),
    Column("email", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("inviter", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("expire_time", DateTime(timezone=True), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("user", Text, nullable=False),
    Index("invitations_by_organization", "organization", "id"),
    Index("invitations_by_expire_time", "expire_time"),
    Index("invitations_pending", "organization", "email", unique=True, postgresql_where=text("state = 1")),
)

invitation_mails = Table(
    "invitation_mails",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("organization", Text, ForeignKey("organizations.name", ondelete="CASCADE"), nullable=False),
    Column("inviter", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("request_time", DateTime(timezone=True), nullable=False),
    Index("invitation_mails_by_organization", "organization", "request_time"),
    Index("invitation_mails_by_inviter", "inviter", "request_time"),
    comment="Mails of the last hour, to count them.",
)

domains = Table(
    "domains",
    metadata,
    Column("organization", Text, ForeignKey("organizations.name", ondelete="CASCADE"), primary_key=True),
    Column("hostname", Text, primary_key=True),
    Column("challenge", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("capture", Boolean, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("verify_time", DateTime(timezone=True)),
    Column("check_time", DateTime(timezone=True)),
    Column("seen_time", DateTime(timezone=True)),
    Column("version", BigInteger, nullable=False),
    Index("domains_verified", "hostname", unique=True, postgresql_where=text("state = 2")),
    Index("domains_due", "check_time", postgresql_where=text("state = 2")),
    Index("domains_by_hostname", "hostname"),
)

teams = Table(
    "teams",
    metadata,
    Column("name", Text, primary_key=True),
    Column("organization", Text, ForeignKey("organizations.name", ondelete="CASCADE"), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("parent_team", Text, nullable=False, comment="Empty for a team at the top."),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("teams_by_organization", "organization", "name"),
    Index("teams_by_parent_team", "parent_team"),
)
Index("teams_by_display_name", teams.c.organization, func.lower(teams.c.display_name), unique=True)

team_members = Table(
    "team_members",
    metadata,
    Column("team", Text, ForeignKey("teams.name", ondelete="CASCADE"), primary_key=True),
    Column("user", Text, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["organization", "user"],
        ["memberships.organization", "memberships.user"],
        name="team_members_are_members",
        ondelete="CASCADE",
    ),
    Index("team_members_by_user", "organization", "user"),
)

preferences = Table(
    "preferences",
    metadata,
    Column("name", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.name", ondelete="CASCADE"), index=True),
    Column("organization", Text, ForeignKey("organizations.name", ondelete="CASCADE"), index=True),
    *(
        Column(field, SmallInteger, nullable=False, server_default="0")
        for field in ("theme", "date_format", "clock_format", "first_weekday", "digest", "rows_per_page")
    ),
    Column("update_time", DateTime(timezone=True)),
    Column("version", BigInteger, nullable=False, server_default="0"),
)

attribute_schemas = Table(
    "attribute_schemas",
    metadata,
    Column("organization", Text, ForeignKey("organizations.name", ondelete="CASCADE"), primary_key=True),
    Column("schema", JSONB, nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False),
)

personal_data_answers = Table(
    "personal_data_answers",
    metadata,
    Column("operation", Text, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    comment="What services answered to operations that still run.",
)

personal_data_exports = Table(
    "personal_data_exports",
    metadata,
    Column("name", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.name"), nullable=False, index=True),
    Column("document", LargeBinary, nullable=False, comment="Sealed with a key derived from the root secret."),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("expire_time", DateTime(timezone=True), nullable=False, index=True),
)

erasure_certificates = Table(
    "erasure_certificates",
    metadata,
    Column("name", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.name"), nullable=False, unique=True),
    Column("certificate", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    *(Column(name, Text, nullable=False) for name in ("service", "rpc", "actor", "api_key")),
    Column("resources", ARRAY(Text), nullable=False),
    *(Column(name, Text, nullable=False) for name in ("code", "reason", "request_id", "trace_id", "address_prefix")),
    Column("call_count", BigInteger, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("previous_hash", "hash")),
    Index("audit_entries_by_id", "organization", "id", unique=True),
    Index("audit_entries_by_create_time", "organization", "create_time", "sequence"),
    Index("audit_entries_by_actor", "actor"),
    comment="Added at the end, removed at the beginning, never changed but for erasing address_prefix.",
)

audit_chains = Table(
    "audit_chains",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("head_sequence", BigInteger, nullable=False, server_default="0"),
    Column("head_hash", Text, nullable=False, server_default=""),
    Column("anchor_sequence", BigInteger, nullable=False, server_default="0"),
    Column("anchor_hash", Text, nullable=False, server_default=""),
    Column("seal", Text, nullable=False, server_default=""),
    comment="Where each log begins and ends.",
)
