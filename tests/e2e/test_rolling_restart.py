"""A rolling restart of both services under load fails no call."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import httpx2

from tests.e2e.client import Person
from tests.e2e.platform import SERVICES, Platform, eventually
from trellis.auth.v1.service_pb2 import ListSessionsRequest
from trellis.auth.v1.service_pb2_grpc import SessionServiceStub
from trellis.user.v1.resources_pb2 import Organization
from trellis.user.v1.service_pb2 import CreateOrganizationRequest, GetUserRequest
from trellis.user.v1.service_pb2_grpc import OrganizationServiceStub, UserServiceStub

CALLS = 300
"""So many at least: enough that each moment of the restart has some, also on a machine that is slow."""
PACE_S = 0.04
"""Each of eight callers makes at most 25 calls a second."""
DEADLINE_S = 5.0
ME = "users/me"

Call = Callable[[], Awaitable[object]]


@dataclass
class Load:
    """Calls of many kinds, at a pace."""

    codes: Counter[str] = field(default_factory=Counter)
    stopping: bool = False

    async def repeat(self, call: Call) -> None:
        """Make one kind of call until told to stop."""
        while not self.stopping:
            paced = asyncio.create_task(asyncio.sleep(PACE_S))
            self.codes[await _outcome(call)] += 1
            await paced


async def _outcome(call: Call) -> str:
    try:
        answer = await call()
    except grpc.aio.AioRpcError as error:
        return f"{error.code().name} {error.details()}"
    except httpx2.TransportError as error:
        return repr(error)
    if isinstance(answer, httpx2.Response) and answer.status_code != 200:
        return f"{answer.status_code} {answer.text}"
    return "OK"


async def test_a_rolling_restart_fails_no_call(platform: Platform, ada: Person) -> None:
    before = platform.pids()
    async with load(platform, ada) as calls:
        await asyncio.to_thread(restarted, platform, before)
    assert {code: count for code, count in calls.codes.items() if code != "OK"} == {}
    assert calls.codes["OK"] >= CALLS
    after = platform.pids()
    assert {name for name in before if before[name] != after[name]} == set(SERVICES)


def restarted(platform: Platform, before: dict[str, int]) -> None:
    """Restart both services and wait until only the new processes are left."""
    done = platform.cli("restart")
    assert (done.returncode, done.stderr) == (0, "")
    eventually(lambda: all(_gone(before[name]) for name in SERVICES) and platform.healthy(), within_s=60)


def _gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@asynccontextmanager
async def load(platform: Platform, person: Person) -> AsyncIterator[Load]:
    """Calls to both services through both doors, reads and writes."""
    headers = {"authorization": f"Bearer {person.token}"}
    async with (
        grpc.aio.insecure_channel(platform.target) as channel,
        httpx2.AsyncClient(base_url=platform.rest, headers=headers, timeout=DEADLINE_S) as web,
        asyncio.TaskGroup() as tasks,
    ):
        running = Load()
        for call in [*by_grpc(channel, person), *by_rest(web)]:
            tasks.create_task(running.repeat(call))
        try:
            yield running
        finally:
            running.stopping = True


def by_grpc(channel: grpc.aio.Channel, person: Person) -> list[Call]:
    """Return the calls that the stubs make."""
    users, sessions, organizations = (
        UserServiceStub(channel),
        SessionServiceStub(channel),
        OrganizationServiceStub(channel),
    )
    signed, wait = person.metadata, DEADLINE_S
    made = Organization(display_name="Under load")
    return [
        lambda: users.GetUser(GetUserRequest(name=ME), metadata=signed, timeout=wait),
        lambda: users.GetUser(GetUserRequest(name=person.name), metadata=signed, timeout=wait),
        lambda: sessions.ListSessions(ListSessionsRequest(parent=ME), metadata=signed, timeout=wait),
        lambda: organizations.CreateOrganization(
            CreateOrganizationRequest(organization=made, request_id=str(uuid.uuid4())), metadata=signed, timeout=wait
        ),
    ]


def by_rest(web: httpx2.AsyncClient) -> list[Call]:
    """Return the calls that a web client makes."""
    return [
        lambda: web.get(f"/v1/{ME}"),
        lambda: web.get("/v1/organizations"),
        lambda: web.get(f"/v1/{ME}/sessions"),
        lambda: web.patch(
            f"/v1/{ME}?updateMask=timeZone",
            json={"timeZone": "Europe/Berlin"},
            headers={"idempotency-key": str(uuid.uuid4())},
        ),
    ]
