"""Use cases, one method per RPC, in the contract's order: load, decide, save, announce, commit."""

from __future__ import annotations

from dataclasses import dataclass

from services.auth.handlers.accounts import AccountHandlers
from services.auth.handlers.api_keys import ApiKeyHandlers
from services.auth.handlers.key_exchange import KeyExchange
from services.auth.handlers.keys import KeyHandlers
from services.auth.handlers.organizations import OrganizationHandlers
from services.auth.handlers.service_accounts import ServiceAccountHandlers
from services.auth.handlers.sessions import SessionHandlers
from services.auth.handlers.sign_ins import SignInHandlers
from services.auth.handlers.sign_ups import SignUpHandlers


@dataclass(frozen=True, slots=True)
class Handlers:
    """Everything the auth service can do."""

    sign_ups: SignUpHandlers
    sign_ins: SignInHandlers
    sessions: SessionHandlers
    keys: KeyHandlers
    accounts: AccountHandlers
    service_accounts: ServiceAccountHandlers
    api_keys: ApiKeyHandlers
    key_exchange: KeyExchange
    organizations: OrganizationHandlers


__all__ = [
    "AccountHandlers",
    "ApiKeyHandlers",
    "Handlers",
    "KeyExchange",
    "KeyHandlers",
    "OrganizationHandlers",
    "ServiceAccountHandlers",
    "SessionHandlers",
    "SignInHandlers",
    "SignUpHandlers",
]
