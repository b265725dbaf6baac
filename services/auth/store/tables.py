"""The tables of the auth service."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    Column("user", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("last_organization", Text, nullable=False, server_default=""),
    Column("password_version", BigInteger, nullable=False, server_default="1"),
    Column("state", SmallInteger, nullable=False, server_default="1"),
)

sign_ups = Table(
    "sign_ups",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("expire_time", DateTime(timezone=True), nullable=False),
    Column("used_time", DateTime(timezone=True)),
    Index("sign_ups_by_email", "email", "create_time"),
    Index("sign_ups_by_expire_time", "expire_time"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("user", Text, ForeignKey("accounts.user", ondelete="CASCADE"), nullable=False),
    Column("organization", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("last_refresh_time", DateTime(timezone=True), nullable=False),
    Column("expire_time", DateTime(timezone=True), nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("rotate_time", DateTime(timezone=True)),
    Column("revoke_time", DateTime(timezone=True)),
    Column("cause", SmallInteger),
    Index("sessions_by_user", "user", "create_time"),
    Index("sessions_by_expire_time", "expire_time"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("private_jwk", LargeBinary, nullable=False, comment="Sealed with a key derived from the root secret."),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("sign_from_time", DateTime(timezone=True), nullable=False),
    Column("retire_time", DateTime(timezone=True)),
)

roles = Table(
    "roles",
    metadata,
    Column("name", Text, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("permissions", ARRAY(Text), nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("version", Integer, nullable=False),
    Index("roles_by_organization", "organization"),
)

role_bindings = Table(
    "role_bindings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("role", Text, nullable=False, comment="Of table roles, or predefined by the contract."),
    Column("subject", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("expire_time", DateTime(timezone=True)),
    Column("creator", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    UniqueConstraint("organization", "subject", "role", "resource", name="role_bindings_once"),
    Index("role_bindings_by_role", "role"),
)

service_accounts = Table(
    "service_accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("service_accounts_by_organization", "organization", "create_time"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("name", Text, primary_key=True),
    Column("organization", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("hint", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("expire_time", DateTime(timezone=True), nullable=False),
    Column("revoke_time", DateTime(timezone=True)),
    Column("last_used_time", DateTime(timezone=True)),
    Column("version", BigInteger, nullable=False),
    Index("api_keys_by_organization", "organization", "create_time"),
    Index("api_keys_by_subject", "subject"),
)

api_key_secrets = Table(
    "api_key_secrets",
    metadata,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the secret."),
    Column("api_key", Text, ForeignKey("api_keys.name", ondelete="CASCADE"), nullable=False),
    Column("expire_time", DateTime(timezone=True), nullable=False),
    Index("api_key_secrets_by_api_key", "api_key"),
)

purged_organizations = Table(
    "purged_organizations",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("purge_time", DateTime(timezone=True), nullable=False),
    comment="Gone for good; what they leave behind here is being deleted.",
)

deleted_organizations = Table(
    "deleted_organizations",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("delete_time", DateTime(timezone=True), nullable=False),
)
