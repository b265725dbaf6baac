"""proto ↔ domain, pure: no defaults, no decisions."""

from services.auth.convert.accounts import account_to_proto
from services.auth.convert.answers import answer_to_proto, nothing_to_proto
from services.auth.convert.sessions import revoked_to_proto, session_to_proto, token_set_to_proto

__all__ = [
    "account_to_proto",
    "answer_to_proto",
    "nothing_to_proto",
    "revoked_to_proto",
    "session_to_proto",
    "token_set_to_proto",
]
