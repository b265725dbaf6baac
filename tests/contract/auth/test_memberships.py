"""What auth asks user about memberships, kept by the fake and by the client of a user service alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from services.auth.clients import UserMemberships
from services.auth.domain import Membership, MembershipUnavailable, NotAMember
from services.auth.ports import Memberships
from services.auth.wiring import CATALOGUE
from tests.fakes.auth import FakeMemberships
from trellis.policies import ROLE_PERMISSIONS
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as base

ORG, ADA = "organizations/org_1", "users/usr_ada"


@dataclass(slots=True)
class UserService(base.MembershipServiceServicer):
    """A user service that knows roles, or answers with an error."""

    roles: dict[tuple[str, str], pb.Role.ValueType] = field(default_factory=dict)
    teams: list[str] = field(default_factory=list)
    failing: grpc.StatusCode | None = None

    async def ResolveMembership(self, request: rpc.ResolveMembershipRequest, context: Any) -> pb.Membership:
        if self.failing is not None:
            await context.abort(self.failing, "as asked")
        if (request.organization, request.user) not in self.roles:
            await context.abort(grpc.StatusCode.NOT_FOUND, "nobody")
        name = f"{request.organization}/memberships/{request.user.removeprefix('users/')}"
        role = self.roles[request.organization, request.user]
        return pb.Membership(name=name, user=request.user, role=role, teams=self.teams)


@dataclass(slots=True)
class Setup:
    """The port and what stands behind it."""

    memberships: Memberships
    service: UserService
    fake: FakeMemberships | None = None

    def make(self, role: str) -> None:
        """Let Ada have a role."""
        self.service.roles[ORG, ADA] = pb.Role.Value(f"ROLE_{role.upper()}")
        if self.fake is not None:
            self.fake.known[ORG, ADA] = tuple(ROLE_PERMISSIONS[role])
            self.fake.role = f"roles/{role}"

    def put_into(self, *teams: str) -> None:
        """Let Ada be in teams."""
        self.service.teams[:] = teams
        if self.fake is not None:
            self.fake.teams[ORG, ADA] = teams

    def fail(self, code: grpc.StatusCode) -> None:
        """Let user be unable to answer."""
        self.service.failing = code
        if self.fake is not None:
            self.fake.down = True


@pytest.fixture(params=["fake", "client"])
async def setup(request: pytest.FixtureRequest) -> AsyncIterator[Setup]:
    service = UserService()  # type: ignore[abstract]  # it answers one RPC
    if request.param == "fake":
        fake = FakeMemberships()
        yield Setup(fake, service, fake)
        return
    server = grpc.aio.server()
    base.add_MembershipServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Setup(UserMemberships(channel, CATALOGUE), service)
    await server.stop(None)


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_a_role_is_what_the_contract_says_it_may(setup: Setup, role: str) -> None:
    setup.make(role)

    assert await setup.memberships.resolve(ORG, ADA) == Membership(
        f"{ORG}/memberships/usr_ada", f"roles/{role}", frozenset(ROLE_PERMISSIONS[role])
    )


async def test_a_changed_role_is_seen_at_once(setup: Setup) -> None:
    setup.make("owner")
    await setup.memberships.resolve(ORG, ADA)
    setup.make("member")

    assert (await setup.memberships.resolve(ORG, ADA)).role == "roles/member"


async def test_teams_come_with_the_membership(setup: Setup) -> None:
    setup.make("member")
    setup.put_into(f"{ORG}/teams/team_1", f"{ORG}/teams/team_2")

    assert (await setup.memberships.resolve(ORG, ADA)).teams == (f"{ORG}/teams/team_1", f"{ORG}/teams/team_2")


async def test_nobody_else_is_a_member(setup: Setup) -> None:
    setup.make("owner")

    for organization, user in ((ORG, "users/usr_bob"), ("organizations/org_2", ADA)):
        with pytest.raises(NotAMember) as caught:
            await setup.memberships.resolve(organization, user)
        assert caught.value.metadata == {"organization": organization}


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.INTERNAL,
    ],
)
async def test_no_answer_is_not_a_no(setup: Setup, code: grpc.StatusCode) -> None:
    setup.make("owner")
    setup.fail(code)

    with pytest.raises(MembershipUnavailable) as caught:
        await setup.memberships.resolve(ORG, ADA)

    assert caught.value.retry_after_s == 1.0


async def test_a_service_that_is_not_there_is_noticed_in_time() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        with pytest.raises(MembershipUnavailable):
            await UserMemberships(channel, CATALOGUE).resolve(ORG, ADA)
