"""proto ↔ domain, pure: no defaults, no decisions."""

from services.auth.convert.access import grant_to_proto
from services.auth.convert.accounts import account_to_proto
from services.auth.convert.answers import answer_to_proto, nothing_to_proto
from services.auth.convert.api_keys import api_key_changes, api_key_to_proto, expire_time_of, issued_api_key_to_proto
from services.auth.convert.keys import signing_keys_to_proto
from services.auth.convert.role_bindings import new_role_binding, role_binding_to_proto
from services.auth.convert.roles import new_role, permission_to_proto, role_changes, role_to_proto
from services.auth.convert.service_accounts import service_account_changes, service_account_to_proto, service_account_values
from services.auth.convert.sessions import revoked_to_proto, session_to_proto, token_set_to_proto

__all__ = [
    "account_to_proto",
    "answer_to_proto",
    "api_key_changes",
    "api_key_to_proto",
    "expire_time_of",
    "grant_to_proto",
    "issued_api_key_to_proto",
    "new_role",
    "new_role_binding",
    "nothing_to_proto",
    "permission_to_proto",
    "revoked_to_proto",
    "role_binding_to_proto",
    "role_changes",
    "role_to_proto",
    "service_account_changes",
    "service_account_to_proto",
    "service_account_values",
    "session_to_proto",
    "signing_keys_to_proto",
    "token_set_to_proto",
]
