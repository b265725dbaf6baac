"""What the handlers need from the outside world."""

from services.user.ports.accounts import Accounts
from services.user.ports.attributes import AttributeSchemas, ChangedAttributeSchemas
from services.user.ports.audit import AuditLogs, ChangedAuditLogs
from services.user.ports.domains import ChangedDomains, Domains
from services.user.ports.imports import ChangedImports
from services.user.ports.invitations import ChangedInvitations, Invitations
from services.user.ports.memberships import ChangedMemberships, Memberships
from services.user.ports.organizations import ChangedOrganizations, Organizations
from services.user.ports.personal_data import Answers, Certificates, ChangedCertificates, ChangedExports, Exports
from services.user.ports.preferences import AllPreferences, ChangedPreferences
from services.user.ports.teams import ChangedTeams, Teams
from services.user.ports.transaction import Begin, NewId, Now, UserTransaction
from services.user.ports.users import ChangedUsers, Users

__all__ = [
    "Accounts",
    "AllPreferences",
    "Answers",
    "AttributeSchemas",
    "AuditLogs",
    "Begin",
    "Certificates",
    "ChangedAttributeSchemas",
    "ChangedAuditLogs",
    "ChangedCertificates",
    "ChangedDomains",
    "ChangedExports",
    "ChangedImports",
    "ChangedInvitations",
    "ChangedMemberships",
    "ChangedOrganizations",
    "ChangedPreferences",
    "ChangedTeams",
    "ChangedUsers",
    "Domains",
    "Exports",
    "Invitations",
    "Memberships",
    "NewId",
    "Now",
    "Organizations",
    "Teams",
    "UserTransaction",
    "Users",
]
