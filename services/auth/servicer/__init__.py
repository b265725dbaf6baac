"""The gRPC edge of the auth service: unpack, delegate, pack. No decisions."""

from services.auth.servicer.access import AccessServicer
from services.auth.servicer.accounts import AccountServicer
from services.auth.servicer.api_keys import ApiKeyServicer
from services.auth.servicer.auth import USER_AGENT_LENGTH, AuthServicer
from services.auth.servicer.authorization import AuthorizationServicer
from services.auth.servicer.keys import JwksServicer, SigningKeyServicer
from services.auth.servicer.role_bindings import RoleBindingServicer
from services.auth.servicer.roles import RoleServicer
from services.auth.servicer.service_accounts import ServiceAccountServicer
from services.auth.servicer.sessions import SessionServicer

__all__ = [
    "USER_AGENT_LENGTH",
    "AccessServicer",
    "AccountServicer",
    "ApiKeyServicer",
    "AuthServicer",
    "AuthorizationServicer",
    "JwksServicer",
    "RoleBindingServicer",
    "RoleServicer",
    "ServiceAccountServicer",
    "SessionServicer",
    "SigningKeyServicer",
]
