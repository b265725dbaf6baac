"""What the handlers need from the outside world."""

from services.auth.ports.accounts import Accounts, ChangedAccounts
from services.auth.ports.api_keys import ApiKeys, ChangedApiKeys, KeyGuesses
from services.auth.ports.keys import ChangedSigningKeys, SigningKeys
from services.auth.ports.memberships import Memberships
from services.auth.ports.organizations import ChangedOrganizations
from services.auth.ports.passwords import Passwords
from services.auth.ports.purged_organizations import ChangedPurgedOrganizations
from services.auth.ports.role_bindings import Bound, ChangedRoleBindings, RoleBindings
from services.auth.ports.roles import ChangedRoles, Roles
from services.auth.ports.service_accounts import ChangedServiceAccounts, ServiceAccounts
from services.auth.ports.sessions import ChangedSessions, Sessions
from services.auth.ports.sign_ups import ChangedSignUps, SignUps
from services.auth.ports.transaction import AuthTransaction, Begin, NewId, Now

__all__ = [
    "Accounts",
    "ApiKeys",
    "AuthTransaction",
    "Begin",
    "Bound",
    "ChangedAccounts",
    "ChangedApiKeys",
    "ChangedOrganizations",
    "ChangedPurgedOrganizations",
    "ChangedRoleBindings",
    "ChangedRoles",
    "ChangedServiceAccounts",
    "ChangedSessions",
    "ChangedSignUps",
    "ChangedSigningKeys",
    "KeyGuesses",
    "Memberships",
    "NewId",
    "Now",
    "Passwords",
    "RoleBindings",
    "Roles",
    "ServiceAccounts",
    "Sessions",
    "SignUps",
    "SigningKeys",
]
