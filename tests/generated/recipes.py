"""What a valid request needs beyond the contract's rules. A line is about a field or a kind of resource, not about an RPC.

The builder makes what the rules of a field allow. Where that is not enough, because a value must have been sent to somebody
by mail, or name something in a certain state, a line says how such a value is had. `test_requests.py` names the line that
is missing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from google.protobuf import struct_pb2

from tests.generated.world import Scope
from trellis.policies import ROLE_PERMISSIONS

if TYPE_CHECKING:
    from tests.generated.requests import Requests

Recipe = Callable[["Requests", Scope], object]


def _open_link(requests: Requests, scope: Scope) -> str:
    """The token of a verification mail that nobody followed yet."""
    return requests.world.open_link()


def _unfinished(requests: Requests, scope: Scope) -> str:
    """An address that signed up and did not follow its link."""
    return requests.world.unfinished()


def _newcomer(requests: Requests, scope: Scope) -> str:
    """Somebody who is not in the organization."""
    members = _users_of(scope, "trellis.dev/Membership")
    return next(person.name for person in requests.world.newcomers(scope.mark) if person.name not in members)


def _next_member(requests: Requests, scope: Scope) -> str:
    """Somebody whom the organization took in, and who is in none of its teams."""
    for user in _users_of(scope, "trellis.dev/Membership"):
        if user not in _users_of(scope, "trellis.dev/TeamMember"):
            return user
    return f"users/{requests.made('trellis.dev/Membership', scope).rpartition('/')[2]}"


def _with_another_owner(requests: Requests, scope: Scope) -> str:
    """An organization that its owner may leave."""
    requests.world.take_in(requests.world.newcomers(scope.mark)[-1], scope, "ROLE_OWNER")
    return scope.organization


def _invitation(requests: Requests, scope: Scope) -> str:
    """The token of an invitation to the caller's address, by somebody else."""
    world = requests.world
    world.invite(scope.person.email, world.scope(world.founder, scope.mark))
    return world.token_in_mail(scope.person.email)


def _mailed(requests: Requests, scope: Scope) -> str:
    """The token of the newest mail to the caller."""
    return requests.world.token_in_mail(scope.person.email)


def _proven_domain(requests: Requests, scope: Scope) -> str:
    """A domain whose record stands in DNS."""
    domain = requests.resource(requests.made("trellis.dev/Domain", scope), scope)
    requests.world.dns.texts[domain.txt_record_name] = [domain.txt_record_value]
    return str(domain.name)


def _operation(requests: Requests, scope: Scope) -> str:
    """An operation of the caller, which is done."""
    return requests.world.exported(scope).name


def _export(requests: Requests, scope: Scope) -> str:
    """What an export left."""
    return requests.world.exported(scope).result


def _certificate(requests: Requests, scope: Scope) -> str:
    """The certificate of an erasure, of somebody else."""
    return requests.world.erased().result


def _users_of(scope: Scope, kind: str) -> list[str]:
    """The users of resources whose last id is a user's."""
    return [f"users/{name.rpartition('/')[2]}" for name in scope.made.get(kind, [])]


def struct(values: dict[str, str]) -> struct_pb2.Struct:
    """An object of JSON."""
    made = struct_pb2.Struct()
    made.update({**values})
    return made


A_PERMISSION = ROLE_PERMISSIONS["member"][0]

FIELDS: dict[str, Recipe] = {
    "trellis.auth.v1.VerifyEmailRequest.token": _open_link,
    "trellis.auth.v1.ResendVerificationRequest.email": _unfinished,
    "trellis.auth.v1.SignInRequest.email": lambda requests, scope: scope.person.email,
    "trellis.auth.v1.SignInRequest.password": lambda requests, scope: scope.person.password,
    "trellis.auth.v1.RefreshTokenRequest.refresh_token": lambda requests, scope: scope.person.refresh_token,
    "trellis.user.v1.Membership.user": _newcomer,
    "trellis.user.v1.TeamMember.user": _next_member,
    "trellis.user.v1.LeaveOrganizationRequest.name": _with_another_owner,
    "trellis.user.v1.PreviewInvitationRequest.token": _invitation,
    "trellis.user.v1.AcceptInvitationRequest.token": _invitation,
    "trellis.user.v1.DeclineInvitationRequest.token": _invitation,
    "trellis.user.v1.ReactivateUserRequest.token": _mailed,
    "trellis.user.v1.UndeleteUserRequest.token": _mailed,
    "trellis.user.v1.CreateDomainRequest.domain_id": lambda requests, scope: f"{scope.mark}-{uuid.uuid4().hex}.com",
    "trellis.user.v1.VerifyDomainRequest.name": _proven_domain,
    "trellis.auth.v1.RoleBinding.subject": _next_member,
    "trellis.auth.v1.RoleBinding.role": lambda requests, scope: requests.made("trellis.dev/Role", scope),
    "trellis.user.v1.AttributeSchema.schema": lambda requests, scope: struct({"type": "object", "title": scope.mark}),
}
"""A value by the full name of its field."""

NAMED: dict[str, Recipe] = {
    "permission": lambda requests, scope: A_PERMISSION,
    "permissions": lambda requests, scope: A_PERMISSION,
    "scopes": lambda requests, scope: A_PERMISSION,
}
"""A value by the bare name of its field, where that name means the same everywhere."""

RESOURCES: dict[str, Recipe] = {
    "trellis.dev/Organization": lambda requests, scope: scope.organization,
    "trellis.dev/User": lambda requests, scope: scope.person.name,
    "trellis.dev/Session": lambda requests, scope: scope.person.session,
    "trellis.dev/Operation": _operation,
    "trellis.dev/PersonalDataExport": _export,
    "trellis.dev/ErasureCertificate": _certificate,
}
"""An existing name by the type of its resource, where no Create RPC makes one."""

UNDONE_FIRST: dict[str, str] = {"Undelete": "Delete", "Reactivate": "Deactivate", "Enable": "Disable"}
"""Verbs that need the other to have happened: `UndeleteOrganization` needs `DeleteOrganization`."""

GLOBAL: dict[str, str] = {
    "trellis.user.v1.Membership.user": "a user belongs to no organization: whoever knows the id may make it a member",
}
"""Fields that may name what is not the organization's own, and why. Everywhere else that is refused."""
