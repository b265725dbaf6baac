"""Callers who change things through both doors, and repeat what was not answered under the same id."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import grpc
import httpx2
from google.protobuf.field_mask_pb2 import FieldMask

from tests.e2e.client import PASSWORD, Person
from tests.e2e.platform import Platform
from trellis.user.v1.resources_pb2 import Organization, User
from trellis.user.v1.service_pb2 import CreateOrganizationRequest, UpdateUserRequest
from trellis.user.v1.service_pb2_grpc import OrganizationServiceStub, UserServiceStub

PATIENCE_S = 40.0
"""How long a call is repeated before it counts as lost."""
DEADLINE_S = 10.0
_BETWEEN_ATTEMPTS_S = 0.05
_CALLERS_PER_DOOR = 3
_ADDRESSES = map(str, ip_network("127.1.0.0/16").hosts())

Attempt = Callable[[], Awaitable[str]]
"""One try: answers `OK` or the name of a status code."""


@dataclass
class Record:
    """What the callers saw."""

    acknowledged: list[str] = field(default_factory=list)
    """Display names of the organizations whose making was answered."""
    updates: int = 0
    verified: list[str] = field(default_factory=list)
    """Users whose verification was answered."""
    codes: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    """Calls that were never answered."""


@dataclass
class Traffic:
    """Callers through both doors of one platform, as one person."""

    platform: Platform
    person: Person
    channel: grpc.aio.Channel
    web: httpx2.AsyncClient
    record: Record = field(default_factory=Record)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_acknowledged(self, count: int) -> None:
        """Wait until that many more organizations were made."""
        goal, end_s = len(self.record.acknowledged) + count, time.monotonic() + PATIENCE_S
        while len(self.record.acknowledged) < goal:
            assert time.monotonic() < end_s, self.record
            await asyncio.sleep(0.02)

    async def verify(self, token: str) -> None:
        """Follow one link, however often it takes: from an address of its own, for the edge counts tries by address."""
        headers = {"idempotency-key": str(uuid.uuid4())}
        own = httpx2.AsyncHTTPTransport(local_address=next(_ADDRESSES))
        async with httpx2.AsyncClient(transport=own, base_url=self.platform.rest, timeout=DEADLINE_S) as web:

            async def attempt() -> str:
                answer = await web.post("/v1/auth:verifyEmail", json={"token": token, "password": PASSWORD}, headers=headers)
                if answer.status_code == 200:
                    self.record.verified.append(answer.json()["user"])
                return _code_of_rest(answer)

            await self._repeat(attempt, f"verify {token}")

    async def found_organizations_by_grpc(self) -> None:
        """Make one organization after another."""
        while not self.stopping.is_set():
            key = str(uuid.uuid4())
            organization = Organization(display_name=key)
            await self._found(lambda key=key, made=organization: self._create_by_grpc(made, key), key)  # type: ignore[misc]

    async def found_organizations_by_rest(self) -> None:
        """Make one organization after another."""
        while not self.stopping.is_set():
            key = str(uuid.uuid4())
            await self._found(lambda key=key: self._create_by_rest(key), key)  # type: ignore[misc]

    async def update_user_by_grpc(self) -> None:
        """Change a name again and again."""
        while not self.stopping.is_set():
            key = str(uuid.uuid4())
            user = User(name="users/me", display_name=key)
            request = UpdateUserRequest(user=user, update_mask=FieldMask(paths=["display_name"]), request_id=key)
            if await self._repeat(lambda request=request: self._update(request), f"update {key}"):  # type: ignore[misc]
                self.record.updates += 1

    async def _found(self, attempt: Attempt, key: str) -> None:
        if await self._repeat(attempt, f"create {key}"):
            self.record.acknowledged.append(key)

    async def _create_by_grpc(self, organization: Organization, key: str) -> str:
        request = CreateOrganizationRequest(organization=organization, request_id=key)
        stub = OrganizationServiceStub(self.channel)
        await stub.CreateOrganization(request, metadata=self.person.metadata, timeout=DEADLINE_S)
        return "OK"

    async def _create_by_rest(self, key: str) -> str:
        answer = await self.web.post(
            "/v1/organizations",
            json={"displayName": key},
            headers={"idempotency-key": key, "authorization": f"Bearer {self.person.token}"},
        )
        return _code_of_rest(answer)

    async def _update(self, request: UpdateUserRequest) -> str:
        await UserServiceStub(self.channel).UpdateUser(request, metadata=self.person.metadata, timeout=DEADLINE_S)
        return "OK"

    async def _repeat(self, attempt: Attempt, what: str) -> bool:
        """Try until it is answered; any other code than UNAVAILABLE is final, and recorded."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            code = await _code_of(attempt)
            self.record.codes[code] += 1
            if code != "UNAVAILABLE":
                return code == "OK"
            await asyncio.sleep(_BETWEEN_ATTEMPTS_S)
        self.record.lost.append(what)
        return False


def _code_of_rest(answer: httpx2.Response) -> str:
    return {200: "OK", 503: "UNAVAILABLE"}.get(answer.status_code, f"{answer.status_code} {answer.text}")


async def _code_of(attempt: Attempt) -> str:
    try:
        return await attempt()
    except grpc.aio.AioRpcError as error:
        code = error.code()
        return code.name if code is grpc.StatusCode.UNAVAILABLE else f"{code.name} {error.details()}"
    except httpx2.TransportError:  # the edge itself is away: for a REST client that is what unavailable looks like
        return "UNAVAILABLE"


@asynccontextmanager
async def traffic(platform: Platform, person: Person) -> AsyncIterator[Traffic]:
    """Callers who come and go with the block; at its end every call is answered or lost."""
    options = [("grpc.max_reconnect_backoff_ms", 200), ("grpc.initial_reconnect_backoff_ms", 50)]
    async with (
        grpc.aio.insecure_channel(platform.target, options=options) as channel,
        httpx2.AsyncClient(base_url=platform.rest, timeout=DEADLINE_S) as web,
        asyncio.TaskGroup() as tasks,
    ):
        running = Traffic(platform, person, channel, web)
        for _ in range(_CALLERS_PER_DOOR):
            tasks.create_task(running.found_organizations_by_grpc())
            tasks.create_task(running.found_organizations_by_rest())
        tasks.create_task(running.update_user_by_grpc())
        try:
            yield running
        finally:
            running.stopping.set()
