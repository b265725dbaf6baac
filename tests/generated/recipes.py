"""What a valid request needs beyond the contract's rules. A line is about a field or a kind of resource, not about an RPC.

The builder makes what the rules of a field allow. Where that is not enough, because a value must have been sent to somebody
by mail, or name something in a certain state, a line says how such a value is had. `test_requests.py` names the line that
is missing.
"""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.struct_pb2 import Struct

from tests.e2e.client import PASSWORD
from tests.generated.world import Scope, World
from trellis.policies import ROLE_PERMISSIONS

Recipe = Callable[[World, Scope], object]


def _open_link(world: World, scope: Scope) -> str:
    """The token of a verification mail that nobody followed yet."""
    return world.open_link()


def _unfinished(world: World, scope: Scope) -> str:
    """An address that signed up and did not follow its link."""
    return world.unfinished()


def _newcomer(world: World, scope: Scope) -> str:
    """Somebody who is not in the organization."""
    taken = scope.made.setdefault("newcomers", [])
    taken.append(world.newcomer(scope, taken))
    return taken[-1]


def _next_member(world: World, scope: Scope) -> str:
    """Somebody in the organization who was not asked for before: its owner, then those it took in."""
    asked = scope.made.setdefault("members", [])
    taken_in = [f"users/{name.rpartition('/')[2]}" for name in scope.made.get("trellis.dev/Membership", [])]
    asked.append(next(name for name in (scope.person.name, *taken_in) if name not in asked))
    return asked[-1]


def _link_back(world: World, scope: Scope) -> str:
    """The token of the mail that brings an account back; where the account was never away, a text that is none."""
    return "never-away" if scope.shared else world.token_in_mail(scope.person.email)


def _added(kind: str, make: Callable[[World, Scope], str]) -> Recipe:
    """Make another resource, and remember it among what the scope has."""

    def recipe(world: World, scope: Scope) -> str:
        name = make(world, scope)
        scope.made.setdefault(kind, []).append(name)
        return name

    return recipe


def _object_schema(world: World, scope: Scope) -> Struct:
    """A JSON Schema that allows one text."""
    schema = Struct()
    schema.update({"type": "object", "properties": {"text": {"type": "string"}}})
    return schema


A_PERMISSION = ROLE_PERMISSIONS["member"][0]

FIELDS: dict[str, Recipe] = {
    "trellis.auth.v1.VerifyEmailRequest.token": _open_link,
    "trellis.auth.v1.VerifyEmailRequest.password": lambda world, scope: PASSWORD,
    "trellis.auth.v1.ResendVerificationRequest.email": _unfinished,
    "trellis.auth.v1.SignInRequest.email": lambda world, scope: scope.person.email,
    "trellis.auth.v1.SignInRequest.password": lambda world, scope: scope.person.password,
    "trellis.auth.v1.RefreshTokenRequest.refresh_token": lambda world, scope: scope.person.refresh_token,
    "trellis.auth.v1.ChangePasswordRequest.current_password": lambda world, scope: scope.person.password,
    "trellis.auth.v1.ResetPasswordRequest.token": lambda world, scope: world.reset_link(scope.person),
    "trellis.user.v1.AcceptInvitationRequest.token": lambda world, scope: world.invitation(scope.person),
    "trellis.user.v1.DeclineInvitationRequest.token": lambda world, scope: world.invitation(scope.person),
    "trellis.user.v1.PreviewInvitationRequest.token": lambda world, scope: world.invitation(scope.person),
    "trellis.user.v1.ReactivateUserRequest.token": _link_back,
    "trellis.user.v1.UndeleteUserRequest.token": _link_back,
    "trellis.user.v1.CreateDomainRequest.domain_id": lambda world, scope: world.new_domain(),
    "trellis.user.v1.VerifyDomainRequest.name": lambda world, scope: world.proven_domain(scope),
    "trellis.user.v1.AttributeSchema.schema": _object_schema,
    "trellis.user.v1.Membership.user": _newcomer,
    "trellis.user.v1.TeamMember.user": _next_member,
}
"""A value by the full name of its field."""

NAMED: dict[str, Recipe] = {
    "permission": lambda world, scope: A_PERMISSION,
    "permissions": lambda world, scope: A_PERMISSION,
    "scopes": lambda world, scope: A_PERMISSION,
}
"""A value by the bare name of its field, where that name means the same everywhere."""

RESOURCES: dict[str, Recipe] = {
    "trellis.dev/Organization": lambda world, scope: scope.organization,
    "trellis.dev/User": lambda world, scope: scope.person.name,
    "trellis.dev/Session": lambda world, scope: scope.person.session,
    "trellis.dev/Domain": _added("trellis.dev/Domain", lambda world, scope: world.verified_domain(scope)),
    "trellis.dev/PersonalDataExport": _added(
        "trellis.dev/PersonalDataExport", lambda world, scope: world.exported(scope.person)
    ),
    "trellis.dev/AuditEntry": _added("trellis.dev/AuditEntry", lambda world, scope: world.audit_entry(scope.organization)),
    "trellis.dev/Operation": _added("trellis.dev/Operation", lambda world, scope: world.operation(scope.person)),
    "trellis.dev/ErasureCertificate": lambda world, scope: world.erased(),
}
"""An existing name by the type of its resource, where no Create RPC makes one."""

WANTED = {"trellis.user.v1.ImportUsersRequest.rows"}
"""Fields that nobody must set, and without which a request asks for nothing."""

UNDONE_FIRST: dict[str, str] = {"Undelete": "Delete", "Reactivate": "Deactivate", "Enable": "Disable"}
"""Verbs that need the other to have happened: `UndeleteOrganization` needs `DeleteOrganization`."""

ANOTHER = {"trellis.auth.v1.RoleBinding.role"}
"""Fields that name another resource each time: two bindings of one role to one subject would be the same."""

BEFORE: dict[str, Callable[[World, Scope], None]] = {"Leave": lambda world, scope: world.join_as_owner(scope)}
"""What verbs need to have happened: nobody leaves an organization that would have no owner then."""

GLOBAL: dict[str, str] = {
    "trellis.user.v1.Membership.user": "a user belongs to no organization: whoever knows the id may make it a member",
}
"""Fields that may name what is not the organization's own, and why. Everywhere else that is refused."""
