"""Use cases, one method per RPC, in the contract's order: load, decide, save, announce, commit."""

from __future__ import annotations

from dataclasses import dataclass

from services.auth.handlers.access import AccessHandlers
from services.auth.handlers.accounts import AccountHandlers
from services.auth.handlers.api_keys import ApiKeyHandlers
from services.auth.handlers.key_exchange import KeyExchange
from services.auth.handlers.keys import KeyHandlers
from services.auth.handlers.organizations import OrganizationHandlers
from services.auth.handlers.passwords import PasswordHandlers
from services.auth.handlers.personal_data import PersonalDataHandlers
from services.auth.handlers.purge import PurgeHandlers
from services.auth.handlers.role_bindings import RoleBindingHandlers
from services.auth.handlers.roles import RoleHandlers
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
    roles: RoleHandlers
    role_bindings: RoleBindingHandlers
    access: AccessHandlers
    personal_data: PersonalDataHandlers
    passwords: PasswordHandlers
    service_accounts: ServiceAccountHandlers
    api_keys: ApiKeyHandlers
    key_exchange: KeyExchange
    organizations: OrganizationHandlers
    purge: PurgeHandlers


__all__ = [
    "AccessHandlers",
    "AccountHandlers",
    "ApiKeyHandlers",
    "Handlers",
    "KeyExchange",
    "KeyHandlers",
    "OrganizationHandlers",
    "PasswordHandlers",
    "PersonalDataHandlers",
    "PurgeHandlers",
    "RoleBindingHandlers",
    "RoleHandlers",
    "ServiceAccountHandlers",
    "SessionHandlers",
    "SignInHandlers",
    "SignUpHandlers",
]
