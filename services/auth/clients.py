"""Calls to user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import grpc

from services.auth.domain import MembershipUnavailable, NotAMember
from trellis.user.v1 import resources_pb2 as user
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1.service_pb2_grpc import MembershipServiceStub

TIMEOUT_S = 1.5  # people wait for it while they sign in


class UserMemberships:
    """Memberships, as user knows them now; the contract says what each role permits."""

    def __init__(self, channel: grpc.aio.Channel, permissions_by_role: Mapping[str, Sequence[str]]) -> None:
        self._memberships = MembershipServiceStub(channel)
        self._permissions = permissions_by_role

    async def permissions(self, organization: str, user_name: str) -> tuple[str, ...]:
        request = rpc.ResolveMembershipRequest(organization=organization, user=user_name)
        try:
            membership = await self._memberships.ResolveMembership(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise NotAMember(organization) from None
            raise MembershipUnavailable from error
        role = user.Role.Name(membership.role).removeprefix("ROLE_").lower()
        return tuple(self._permissions[role])
