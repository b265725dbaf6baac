"""proto ↔ domain, pure: no defaults, no decisions."""

from services.auth.convert.access import grant_to_proto
from services.auth.convert.accounts import account_to_proto
from services.auth.convert.answers import answer_to_proto, nothing_to_proto
from services.auth.convert.keys import signing_keys_to_proto
from services.auth.convert.role_bindings import new_role_binding, role_binding_to_proto
from services.auth.convert.roles import new_role, permission_to_proto, role_changes, role_to_proto
from services.auth.convert.sessions import revoked_to_proto, session_to_proto, token_set_to_proto

__all__ = [
    "account_to_proto",
    "answer_to_proto",
    "grant_to_proto",
    "new_role",
    "new_role_binding",
    "nothing_to_proto",
    "permission_to_proto",
    "revoked_to_proto",
    "role_binding_to_proto",
    "role_changes",
    "role_to_proto",
    "session_to_proto",
    "signing_keys_to_proto",
    "token_set_to_proto",
]
