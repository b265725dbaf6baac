"""Calls to user."""

from __future__ import annotations

import grpc
import structlog

from services.auth.domain import Catalogue, Membership, MembershipUnavailable, NotAMember
from trellis.user.v1 import resources_pb2 as user
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1.service_pb2_grpc import MembershipServiceStub

log = structlog.get_logger()
TIMEOUT_S = 1.5  # people wait for it while they sign in


class UserMemberships:
    """Memberships, as user knows them now; the contract says what each role permits."""

    def __init__(self, channel: grpc.aio.Channel, catalogue: Catalogue) -> None:
        self._memberships = MembershipServiceStub(channel)
        self._roles = catalogue.roles

    async def resolve(self, organization: str, user_name: str) -> Membership:
        request = rpc.ResolveMembershipRequest(organization=organization, user=user_name)
        try:
            membership = await self._memberships.ResolveMembership(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise NotAMember(organization) from None
            log.warning("user_did_not_answer", code=error.code().name, detail=error.details())
            raise MembershipUnavailable from error
        role = self._roles[f"roles/{user.Role.Name(membership.role).removeprefix('ROLE_').lower()}"]
        return Membership(membership.name, role.name, role.permissions, tuple(membership.teams))
