"""proto ↔ domain, pure: no defaults, no decisions."""

from services.user.convert.answers import answer_to_proto
from services.user.convert.attributes import attribute_schema_to_proto, attributes_from_proto, attributes_to_proto
from services.user.convert.audit import audit_entry_to_proto, verification_to_proto
from services.user.convert.domains import domain_to_proto
from services.user.convert.fields import changes, display_name_of, user_of
from services.user.convert.imports import import_rows_from_proto, imported_rows_to_proto, totals_to_proto
from services.user.convert.invitations import invitation_to_proto, preview_to_proto
from services.user.convert.memberships import membership_to_proto, role_from_proto
from services.user.convert.operations import operation_to_proto
from services.user.convert.organizations import organization_to_proto
from services.user.convert.personal_data import certificate_to_proto, export_to_proto, report_of
from services.user.convert.preferences import preferences_to_proto, resolved_preferences_to_proto
from services.user.convert.teams import team_member_to_proto, team_to_proto
from services.user.convert.users import user_from_account, user_to_proto

__all__ = [
    "answer_to_proto",
    "attribute_schema_to_proto",
    "attributes_from_proto",
    "attributes_to_proto",
    "audit_entry_to_proto",
    "certificate_to_proto",
    "changes",
    "display_name_of",
    "domain_to_proto",
    "export_to_proto",
    "import_rows_from_proto",
    "imported_rows_to_proto",
    "invitation_to_proto",
    "membership_to_proto",
    "operation_to_proto",
    "organization_to_proto",
    "preferences_to_proto",
    "preview_to_proto",
    "report_of",
    "resolved_preferences_to_proto",
    "role_from_proto",
    "team_member_to_proto",
    "team_to_proto",
    "totals_to_proto",
    "user_from_account",
    "user_of",
    "user_to_proto",
    "verification_to_proto",
]
