"""proto ↔ domain, pure: no defaults, no decisions."""

from services.auth.convert.accounts import account_to_proto
from services.auth.convert.answers import answer_to_proto, nothing_to_proto
from services.auth.convert.api_keys import api_key_changes, api_key_to_proto, expire_time_of, issued_api_key_to_proto
from services.auth.convert.service_accounts import (
    service_account_changes,
    service_account_to_proto,
    service_account_values,
)
from services.auth.convert.sessions import session_to_proto, token_set_to_proto

__all__ = [
    "account_to_proto",
    "answer_to_proto",
    "api_key_changes",
    "api_key_to_proto",
    "expire_time_of",
    "issued_api_key_to_proto",
    "nothing_to_proto",
    "service_account_changes",
    "service_account_to_proto",
    "service_account_values",
    "session_to_proto",
    "token_set_to_proto",
]
