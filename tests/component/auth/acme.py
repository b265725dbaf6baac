"""ACME and its people for the tests of roles: Ada owns it, Bob administers it, Cid is a member of it,
ROBOT a program of it; Eve is of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.auth.domain import Account, ServiceAccount
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import PASSWORD, AuthProcess, Metadata, bearer
from trellis.auth.v1 import role_binding_service_pb2 as bindings
from trellis.auth.v1 import role_service_pb2 as roles
from trellis.policies import ROLE_PERMISSIONS

ACME, OTHER = "organizations/org_acme", "organizations/org_other"
TEAM, ROBOT = f"{ACME}/teams/team_1", f"{ACME}/serviceAccounts/sva_1"
ADA, BOB, CID, EVE = "users/usr_ada", "users/usr_bob", "users/usr_cid", "users/usr_eve"
ROLES = {ADA: "owner", BOB: "admin", CID: "member"}


@dataclass(frozen=True, slots=True)
class Acme:
    """The service with ACME's people in it."""

    service: AuthProcess

    async def token(self, user: str, organization: str = ACME) -> Metadata:
        """Return the metadata of a call by somebody, with a token of now."""
        tokens = await self.service.sign_in(f"{user.removeprefix('users/usr_')}@example.com", organization=organization)
        return bearer(tokens.access_token)

    async def permissions(self, user: str) -> list[str]:
        """Return what a token of now permits."""
        email = f"{user.removeprefix('users/usr_')}@example.com"
        return list((await self.service.sign_in(email, organization=ACME)).permissions)

    async def make_role(self, *permissions: str, by: str = ADA, **values: Any) -> roles.Role:
        """Make a role."""
        role = roles.Role(display_name=values.pop("display_name", "Helper"), permissions=permissions, **values)
        request = roles.CreateRoleRequest(parent=ACME, role=role)
        return await self.service.roles.CreateRole(request, metadata=await self.token(by))

    async def bind(self, role: str, subject: str, resource: str = "", by: str = ADA, **values: Any) -> bindings.RoleBinding:
        """Give a role to somebody."""
        binding = bindings.RoleBinding(role=role, subject=subject, resource=resource, **values)
        request = bindings.CreateRoleBindingRequest(parent=ACME, role_binding=binding)
        return await self.service.role_bindings.CreateRoleBinding(request, metadata=await self.token(by))

    async def unbind(self, name: str, by: str = ADA) -> bindings.RoleBinding:
        """Take a role away."""
        request = bindings.DeleteRoleBindingRequest(name=name)
        return await self.service.role_bindings.DeleteRoleBinding(request, metadata=await self.token(by))

    def put_into(self, user: str, *teams: str) -> None:
        """Let somebody be in teams."""
        self.service.parts.memberships.teams[ACME, user] = teams


def founded(service: AuthProcess, store: FakeAuthStore) -> Acme:
    """Let everybody have an account, and ACME its members."""
    for user in (ADA, BOB, CID, EVE):
        email = f"{user.removeprefix('users/usr_')}@example.com"
        store.tables.accounts[user] = Account(user, email, user, f"new:{PASSWORD}", service.parts.clock())
    for user, role in ROLES.items():
        service.parts.memberships.known[ACME, user] = ROLE_PERMISSIONS[role]
    now = service.parts.clock()
    store.tables.service_accounts[ROBOT] = ServiceAccount(ROBOT, ACME, "Robot", "", "roles/member", now, now)
    service.parts.memberships.known[OTHER, EVE] = ROLE_PERMISSIONS["owner"]
    return Acme(service)
