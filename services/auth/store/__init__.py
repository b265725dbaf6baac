"""PostgreSQL behind the ports: tables, statements, row ↔ domain."""

from services.auth.store.accounts import SqlAccounts
from services.auth.store.api_keys import SqlApiKeys
from services.auth.store.keys import SqlSigningKeys
from services.auth.store.role_bindings import SqlRoleBindings
from services.auth.store.roles import SqlRoles
from services.auth.store.service_accounts import SqlServiceAccounts
from services.auth.store.sessions import SqlSessions
from services.auth.store.sign_ups import SqlSignUps
from services.auth.store.transaction import SqlAuthTransaction

__all__ = [
    "SqlAccounts",
    "SqlApiKeys",
    "SqlAuthTransaction",
    "SqlRoleBindings",
    "SqlRoles",
    "SqlServiceAccounts",
    "SqlSessions",
    "SqlSignUps",
    "SqlSigningKeys",
]
