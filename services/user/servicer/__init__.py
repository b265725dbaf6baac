"""The gRPC edge of the user service: unpack, delegate, pack. No decisions."""

from services.user.servicer.attributes import ATTRIBUTE_SCHEMA_FIELDS, AttributeSchemaServicer
from services.user.servicer.audit import AuditServicer
from services.user.servicer.domains import DOMAIN_FIELDS, DomainServicer
from services.user.servicer.imports import ImportServicer
from services.user.servicer.invitations import InvitationServicer
from services.user.servicer.memberships import MEMBERSHIP_FIELDS, MembershipServicer
from services.user.servicer.operations import OperationServicer
from services.user.servicer.organizations import ORGANIZATION_FIELDS, OrganizationServicer
from services.user.servicer.personal_data import PersonalDataServicer
from services.user.servicer.preferences import PREFERENCES_FIELDS, PreferencesServicer
from services.user.servicer.teams import TEAM_FIELDS, TeamServicer
from services.user.servicer.users import USER_FIELDS, UserServicer

__all__ = [
    "ATTRIBUTE_SCHEMA_FIELDS",
    "DOMAIN_FIELDS",
    "MEMBERSHIP_FIELDS",
    "ORGANIZATION_FIELDS",
    "PREFERENCES_FIELDS",
    "TEAM_FIELDS",
    "USER_FIELDS",
    "AttributeSchemaServicer",
    "AuditServicer",
    "DomainServicer",
    "ImportServicer",
    "InvitationServicer",
    "MembershipServicer",
    "OperationServicer",
    "OrganizationServicer",
    "PersonalDataServicer",
    "PreferencesServicer",
    "TeamServicer",
    "UserServicer",
]
