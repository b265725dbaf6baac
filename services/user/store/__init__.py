"""PostgreSQL behind the ports: tables, statements, row ↔ domain."""

from services.user.store.attributes import SqlAttributeSchemas
from services.user.store.audit import SqlAuditLogs
from services.user.store.domains import SqlDomains
from services.user.store.invitations import SqlInvitations
from services.user.store.memberships import SqlMemberships
from services.user.store.organizations import SqlOrganizations
from services.user.store.personal_data import SqlCertificates, SqlExports
from services.user.store.preferences import SqlPreferences
from services.user.store.teams import SqlTeams
from services.user.store.transaction import SqlUserTransaction
from services.user.store.users import SqlUsers

__all__ = [
    "SqlAttributeSchemas",
    "SqlAuditLogs",
    "SqlCertificates",
    "SqlDomains",
    "SqlExports",
    "SqlInvitations",
    "SqlMemberships",
    "SqlOrganizations",
    "SqlPreferences",
    "SqlTeams",
    "SqlUserTransaction",
    "SqlUsers",
]
