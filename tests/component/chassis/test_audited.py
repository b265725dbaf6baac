"""Which calls are told to the audit log, through a real server and the real contract; what is told of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from grpc import StatusCode

from services.chassis import audit
from services.chassis.audit import AuditedCall, Trail
from services.chassis.errors import FailedPrecondition, InvalidArgument, ServiceError, Unavailable
from services.chassis.keys import Keyring
from tests.component.chassis.test_chain import ACME, ADA, Handlers, Metadata, Running, access_token, serving
from tests.component.refusals import refusal
from tests.conftest import NOON, Ids, Time
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc

BOB = f"{ACME}/memberships/usr_bob"
OTHER = "organizations/org_other"
HEADERS = (
    ("x-request-id", "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"),
    ("x-forwarded-for", "203.0.113.9, 192.0.2.77"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
)


class Deleted(FailedPrecondition):
    """A refusal as a service declares it."""

    reason = "ORGANIZATION_DELETED"


@dataclass(slots=True)
class Told:
    """What would be written, beside effects and with them."""

    beside: list[AuditedCall] = field(default_factory=list)
    with_effects: list[AuditedCall | None] = field(default_factory=list)
    trail: Trail | None = None

    async def write(self, calls: Sequence[AuditedCall]) -> None:
        self.beside += calls

    async def refused(self) -> list[tuple[str, str, str]]:
        """Code, reason and organization of what was told beside effects."""
        assert self.trail is not None
        await self.trail.write_waiting()
        return [(call.code, call.reason, call.organization) for call in self.beside]


@pytest.fixture
def told(time: Time, ids: Ids) -> Told:
    told = Told()
    told.trail = Trail(told.write, time, ids, per_minute=5)
    return told


@pytest.fixture
async def server(time: Time, keyring: Keyring, told: Told) -> AsyncIterator[Running]:
    """Its handlers have an effect, as a unit of work would see it."""

    async def effect(request: Any) -> Any:
        running = audit.current.get()
        answer = pb.Membership(name=BOB) if "Membership" in request.DESCRIPTOR.name else pb.User(name=ADA)
        if running is not None:
            told.with_effects.append(running.allowed(answer))
            running.recorded = True
        return answer

    async with serving(Handlers(effect), time, keyring, trail=told.trail) as running:
        yield running


@pytest.fixture
def ada(time: Time) -> Metadata:
    """A call by somebody who may make members of ACME, through the edge."""
    return access_token(time, organization=ACME, permissions=["memberships.create"]) + HEADERS


async def create(server: Running, caller: Metadata, parent: str = ACME, **more: Any) -> Any:
    member = pb.Membership(user="users/usr_bob", role=pb.ROLE_MEMBER)
    request = rpc.CreateMembershipRequest(parent=parent, membership=member, **more)
    return await server.memberships.CreateMembership(request, metadata=caller)


def failing(server: Running, error: ServiceError) -> None:
    async def fail(request: Any) -> Any:
        raise error

    server.handlers.do = fail


async def test_an_allowed_call_is_told_with_its_effect(server: Running, ada: Metadata, told: Told) -> None:
    await create(server, ada)

    assert told.with_effects == [
        AuditedCall(
            id="aud_1",
            time=NOON,
            organization=ACME,
            service="user",
            rpc="trellis.user.v1.MembershipService/CreateMembership",
            actor=ADA,
            api_key="",
            resources=(ACME, "users/usr_bob", BOB),
            code="OK",
            reason="",
            request_id="0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d",
            trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
            address_prefix="192.0.2.0/24",
        )
    ]
    assert await told.refused() == []


async def test_the_key_that_acted_is_told(server: Running, time: Time, told: Told) -> None:
    key = f"{ACME}/apiKeys/key_1"
    await create(server, access_token(time, organization=ACME, permissions=["memberships.create"], api_key=key))

    assert [call.api_key for call in told.with_effects if call] == [key]


async def test_a_refusal_by_permission_is_told_to_the_callers_organization_alone(
    server: Running, ada: Metadata, told: Told
) -> None:
    assert (await refusal(create(server, ada, OTHER))).code is StatusCode.PERMISSION_DENIED

    assert await told.refused() == [("PERMISSION_DENIED", "PERMISSION_DENIED", ACME)]
    assert told.beside[0].resources == ()


async def test_of_a_refusal_only_names_of_the_callers_are_told(server: Running, ada: Metadata, told: Told) -> None:
    failing(server, Deleted("ACME is deleted."))

    await refusal(create(server, ada))

    assert len(await told.refused()) == 1
    assert told.beside[0].resources == (ACME,)


async def test_who_has_no_organization_is_told_to_none(server: Running, time: Time, told: Told) -> None:
    await refusal(create(server, access_token(time)))

    assert await told.refused() == []


async def test_a_refusal_by_the_handler_is_told(server: Running, ada: Metadata, told: Told) -> None:
    failing(server, Deleted("ACME is deleted."))

    await refusal(create(server, ada))

    assert await told.refused() == [("FAILED_PRECONDITION", "ORGANIZATION_DELETED", ACME)]


@pytest.mark.parametrize("error", [InvalidArgument("no"), Unavailable("away")])
async def test_bad_syntax_and_faults_of_ours_are_not_told(
    server: Running, ada: Metadata, told: Told, error: ServiceError
) -> None:
    failing(server, error)
    await refusal(create(server, ada))
    await refusal(create(server, ada, request_id="not a uuid"))

    assert await told.refused() == []


async def test_trying_is_not_told(server: Running, ada: Metadata, told: Told) -> None:
    failing(server, Deleted("ACME is deleted."))

    await refusal(create(server, ada, validate_only=True))

    assert await told.refused() == []


async def test_nothing_a_request_says_is_told_but_names(server: Running, ada: Metadata, told: Told) -> None:
    request = rpc.CreateMembershipRequest(
        parent="organizations/marker@example.com",
        membership=pb.Membership(name="marker secret", user="users/marker.person", role=pb.ROLE_MEMBER),
    )

    await refusal(server.memberships.CreateMembership(request, metadata=ada))

    assert len(await told.refused()) == 1
    assert told.beside[0].resources == ()


async def test_a_call_that_is_not_audited_is_not_told(server: Running, ada: Metadata, told: Told) -> None:
    await server.get(ada)
    await refusal(server.list(ada))

    assert (told.with_effects, await told.refused()) == ([], [])


async def test_an_unknown_caller_is_not_told(server: Running, told: Told) -> None:
    await refusal(create(server, ()))

    assert await told.refused() == []


async def test_a_flood_of_refusals_is_bounded(server: Running, ada: Metadata, told: Told, time: Time) -> None:
    for _ in range(30):
        await refusal(create(server, ada, OTHER))
    time.move(minutes=1)
    assert told.trail is not None
    told.trail.end_minutes()
    await told.refused()

    assert [call.call_count for call in told.beside] == [1, 1, 1, 1, 1, 25]
