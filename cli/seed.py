"""Planting people: every one signs up, follows the link in the mail and accepts an invitation, by the real RPCs.

Of the larger sizes, only owners do: the others are imported, as provisioned users who have no account yet.

The calls go to the services behind the edge, whose limits per address would let twenty people in a minute. A password is
hashed for each, 30 ms of a core: that is what planting many costs. Who is there already is found by the mail that answers a
second sign-up, so that planting again adds nobody; what is complete is noted under the home and not looked at again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from cli.commands.output import Failed
from cli.engines.services import target_of
from cli.home import Home
from cli.people import PASSWORD, Group, Person, Size
from trellis.auth.v1 import service_pb2 as auth
from trellis.auth.v1.service_pb2_grpc import AuthServiceStub
from trellis.user.v1 import import_service_pb2 as importing
from trellis.user.v1 import invitation_service_pb2 as inviting
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as user
from trellis.user.v1.import_service_pb2_grpc import ImportServiceStub
from trellis.user.v1.invitation_service_pb2_grpc import InvitationServiceStub
from trellis.user.v1.service_pb2_grpc import OrganizationServiceStub, UserServiceStub

AT_ONCE = 12  # people on their way: enough for every thread that hashes, and less than auth lets wait for one
GROUPS_AT_ONCE = 4
TIMEOUT_S = 30.0
MAIL_WITHIN_S = 15.0
ATTEMPTS = 8
_POLL_S = 0.02
_PASSES = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED}

Planted = Callable[[int, bool], None]
"""Told how many more are there, and whether that took a look or was noted before."""


@dataclass(slots=True)
class Outcome:
    """What planting did."""

    users: int = 0
    added: int = 0


@dataclass(slots=True)
class Outbox:
    """The mails of development, each handed to whoever expects one to its address."""

    directory: Path
    expected: dict[str, asyncio.Future[tuple[Path, str]]] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)

    async def watch(self) -> None:
        """Hand out the mails that come from now on, until cancelled."""
        self.foreign |= {path.name for path in self.directory.glob("*.json")}
        while True:
            for path in self.directory.glob("*.json"):
                if path.name not in self.foreign:
                    self._hand_out(path)
            await asyncio.sleep(_POLL_S)

    @contextlib.contextmanager
    def expecting(self, email: str) -> Iterator[asyncio.Future[tuple[Path, str]]]:
        """Expect one mail to an address; it may come as soon as the block begins."""
        future = self.expected[email] = asyncio.get_running_loop().create_future()
        try:
            yield future
        finally:
            del self.expected[email]

    async def received(self, future: asyncio.Future[tuple[Path, str]]) -> tuple[Path, str]:
        """Return the file and the text of an expected mail. Raises Failed if none comes."""
        try:
            return await asyncio.wait_for(future, MAIL_WITHIN_S)
        except TimeoutError:
            raise Failed(
                f"no mail came within {MAIL_WITHIN_S:.0f} s; does auth send to {self.directory}? See `trellis logs auth`."
            ) from None

    def _hand_out(self, path: Path) -> None:
        mail = json.loads(path.read_text())
        future = self.expected.get(mail["to"])
        if future is not None and not future.done():
            future.set_result((path, str(mail["text"])))
        self.foreign.add(path.name)  # handed out, or of nobody here


@dataclass(slots=True)
class Planter:
    """Brings people onto a platform."""

    auth: grpc.aio.Channel
    user: grpc.aio.Channel
    outbox: Outbox
    notes: Path
    planted: Planted
    imports: bool = False
    """Whether members are imported instead of signing up."""
    outcome: Outcome = field(default_factory=Outcome)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def plant(self, groups: Iterable[Group]) -> None:
        """Plant the groups that are not noted as complete."""
        complete = await self._complete(groups := list(groups))
        for group in (group for group in groups if group.number in complete):
            self._count(len(group.people), 0, looked=False)
        open_groups = iter([group for group in groups if group.number not in complete])

        async def work() -> None:
            for group in open_groups:  # shared by the workers: each takes the next
                await self._group(group)
                self._note(group)

        async with asyncio.TaskGroup() as workers:
            for _ in range(GROUPS_AT_ONCE):
                workers.create_task(work())

    async def _group(self, group: Group) -> None:
        owner = group.people[0]
        is_new = await self._arrive(owner)
        token = await self._sign_in(owner)
        name = "" if is_new else await self._organization(token, group.display_name)
        name = name or await self._make(token, group.display_name)
        switch = auth.SwitchOrganizationRequest(organization=name)
        token = (await self._send(AuthServiceStub(self.auth).SwitchOrganization, switch, token)).access_token
        self._count(1, int(is_new))
        if self.imports:
            await self._import(group.people[1:], name, token)
        else:
            await self._join_all(group.people[1:], name, token, is_new=is_new)
        await self._send(AuthServiceStub(self.auth).SignOut, auth.SignOutRequest(), token)

    async def _import(self, people: tuple[Person, ...], organization: str, token: str) -> None:
        """Take everybody in by one message; no group is larger than one may be. Those who are there stay as they are."""
        rows = [
            importing.ImportedUser(email=each.email, display_name=each.display_name, role=pb.Role.Value(each.role))
            for each in people
        ]

        async def messages() -> AsyncIterator[importing.ImportUsersRequest]:
            yield importing.ImportUsersRequest(parent=organization, rows=rows)

        metadata = (("authorization", f"Bearer {token}"),)
        answers = ImportServiceStub(self.user).ImportUsers(messages(), metadata=metadata)
        created = [answer.totals.created async for answer in answers]
        self._count(len(rows), created[-1])

    async def _join_all(self, people: tuple[Person, ...], organization: str, token: str, *, is_new: bool) -> None:
        members = set() if is_new else await self._members(token, organization)
        async with asyncio.TaskGroup() as joining:
            for person in people:
                joining.create_task(self._join(person, organization, token, members))

    async def _join(self, person: Person, organization: str, token: str, members: set[str]) -> None:
        if person.email in members:
            return self._count(1, 0)
        is_new = await self._arrive(person)
        invitation = await self._invite(person, organization, token)
        own = await self._sign_in(person)
        accept = inviting.AcceptInvitationRequest(token=invitation)
        await self._send(InvitationServiceStub(self.user).AcceptInvitation, accept, own)
        await self._send(AuthServiceStub(self.auth).SignOut, auth.SignOutRequest(), own)
        self._count(1, int(is_new))

    async def _arrive(self, person: Person) -> bool:
        """Whether somebody is new here: they have an account now, in any case."""
        form = auth.SignUpRequest(email=person.email, password=PASSWORD, display_name=person.display_name)
        async with self.gate:
            link = await self._mailed(person, AuthServiceStub(self.auth).SignUp, form)
            if link:  # without one it is the other mail: somebody signed up who has an account
                verify = auth.VerifyEmailRequest(token=link, password=PASSWORD)
                await self._send(AuthServiceStub(self.auth).VerifyEmail, verify)
            return bool(link)

    async def _invite(self, person: Person, organization: str, token: str) -> str:
        wanted = inviting.Invitation(email=person.email, role=pb.Role.Value(person.role))
        request = inviting.CreateInvitationRequest(parent=organization, invitation=wanted)
        return await self._mailed(person, InvitationServiceStub(self.user).CreateInvitation, request, token)

    async def _mailed(self, person: Person, rpc: Any, request: Any, token: str = "") -> str:
        """Call, and return the token of the mail that somebody gets for it; empty if the mail has none."""
        with self.outbox.expecting(person.email) as mail:
            await self._send(rpc, request, token)
            path, text = await self.outbox.received(mail)
        path.unlink(missing_ok=True)
        _, found, rest = text.partition("Token:\n")
        return rest.split()[0] if found else ""

    async def _sign_in(self, person: Person) -> str:
        form = auth.SignInRequest(email=person.email, password=PASSWORD)
        async with self.gate:
            return str((await self._send(AuthServiceStub(self.auth).SignIn, form)).access_token)

    async def _organization(self, token: str, display_name: str) -> str:
        """Return the organization of that name to which the token's owner belongs, or nothing."""
        request = user.ListOrganizationsRequest(page_size=1000)
        found = await self._send(OrganizationServiceStub(self.user).ListOrganizations, request, token)
        return next((str(each.name) for each in found.organizations if each.display_name == display_name), "")

    async def _make(self, token: str, display_name: str) -> str:
        request = user.CreateOrganizationRequest(organization=pb.Organization(display_name=display_name))
        return str((await self._send(OrganizationServiceStub(self.user).CreateOrganization, request, token)).name)

    async def _members(self, token: str, organization: str) -> set[str]:
        """Return the addresses of who belongs to the organization; no group is larger than a page."""
        request = user.ListUsersRequest(parent=organization, page_size=1000)
        return {each.email for each in (await self._send(UserServiceStub(self.user).ListUsers, request, token)).users}

    async def _send(self, rpc: Any, request: Any, token: str = "") -> Any:
        """Call, and again for as long as the reason may pass; the request id makes that one effect."""
        metadata = [("authorization", f"Bearer {token}")] if token else []
        if "request_id" in request.DESCRIPTOR.fields_by_name and not getattr(request, "validate_only", False):
            request.request_id = str(uuid.uuid4())
        for attempt in range(ATTEMPTS):
            try:
                return await rpc(request, timeout=TIMEOUT_S, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _PASSES or attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.05 * 2**attempt)

    async def _complete(self, groups: list[Group]) -> set[int]:
        """Return the groups that were noted as complete, unless the notes are about people who are gone."""
        noted = {int(line) for line in self.notes.read_text().split()} if self.notes.exists() else set()
        if noted and not await self._is_there(next(group for group in groups if group.number in noted).people[0]):
            self.notes.unlink()
            return set()
        return noted

    async def _is_there(self, person: Person) -> bool:
        """Whether somebody could sign in; opens no session."""
        form = auth.SignInRequest(email=person.email, password=PASSWORD, validate_only=True)
        try:
            await self._send(AuthServiceStub(self.auth).SignIn, form)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                return False
            raise
        return True

    def _note(self, group: Group) -> None:
        self.notes.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.notes.open("a") as notes:
            notes.write(f"{group.number}\n")

    def _count(self, users: int, added: int, *, looked: bool = True) -> None:
        self.outcome.users += users
        self.outcome.added += added
        self.planted(users, looked)


def seed(here: Home, size: Size, number: int, planted: Planted) -> Outcome:
    """Plant the people of a size and a seed. Raises Failed with what the platform said."""
    try:
        return asyncio.run(_seed(here, size, number, planted))
    except* grpc.aio.AioRpcError as errors:
        first = _first(errors)
        raise Failed(f"{first.code().name}: {first.details()}") from None
    except* Failed as errors:
        raise Failed(str(_first(errors))) from None


async def _seed(here: Home, size: Size, number: int, planted: Planted) -> Outcome:
    async with _channel(here, "auth") as to_auth, _channel(here, "user") as to_user:
        planter = Planter(
            to_auth, to_user, Outbox(here.mail), here.path / "seed" / f"{size.name}{number}", planted, size.imports
        )
        watching = asyncio.create_task(planter.outbox.watch())
        try:
            await planter.plant(size.groups(number))
        finally:
            watching.cancel()
        return planter.outcome


@contextlib.asynccontextmanager
async def _channel(here: Home, service: str) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(target_of(here.ports, service)) as channel:
        yield channel


def _first(errors: BaseExceptionGroup[Any]) -> Any:
    found: Any = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
