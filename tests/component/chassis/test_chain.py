"""Everything around an RPC, through a real server: the contract's policies over handlers that do nothing of interest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
import pytest
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from joserfc.jwk import ECKey

from services.chassis import principal, repeat
from services.chassis.audit import Trail
from services.chassis.bus.valkey import connect_valkey
from services.chassis.errors import NotFound, Unavailable
from services.chassis.keys import Keyring
from services.chassis.limits import TokenBucket
from services.chassis.rpc.server import Guards, Servicer, build_server
from services.chassis.tokens import ACCESS, SERVICE, ServiceTokens, TokenVerifier, public_set, sign, static_keys
from tests.component.refusals import Refusal, refusal
from tests.conftest import Time
from trellis.auth.v1 import resources_pb2 as auth_pb
from trellis.auth.v1 import service_pb2 as auth_rpc
from trellis.auth.v1 import service_pb2_grpc as auth_grpc
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as stubs

ISSUER, AUDIENCE = "https://auth.test", "trellis"
ADA, ACME = "users/usr_ada", "organizations/org_acme"
KEY = ECKey.generate_key("P-256", {"kid": "k1"})
SERVICE_KEYS = {name: ECKey.generate_key("P-256", {"kid": name}) for name in ("auth", "user")}
REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"
Metadata = tuple[tuple[str, str], ...]
T = TypeVar("T")


class Gone(NotFound):
    """An error as a service declares it."""

    reason = "GONE"


@dataclass(slots=True)
class Handlers:
    """What the servicers do when they are reached, and who reached them."""

    do: Callable[[Any], Awaitable[Any]] | None = None
    reached: list[tuple[str, str]] = field(default_factory=list)
    """Method and caller of each call."""

    async def answer(self, request: Any, default: T) -> T:
        self.reached.append((request.DESCRIPTOR.name.removesuffix("Request"), principal.current().subject))
        answer: T = default if self.do is None else await self.do(request)
        return answer


class Users(stubs.UserServiceServicer):
    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    async def GetUser(self, request: rpc.GetUserRequest, context: Any) -> pb.User:
        return await self._handlers.answer(request, pb.User(name=request.name))

    async def ListUsers(self, request: rpc.ListUsersRequest, context: Any) -> rpc.ListUsersResponse:
        return await self._handlers.answer(request, rpc.ListUsersResponse())

    async def UpdateUser(self, request: rpc.UpdateUserRequest, context: Any) -> pb.User:
        return await self._handlers.answer(request, request.user)


class Memberships(stubs.MembershipServiceServicer):
    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    async def CreateMembership(self, request: rpc.CreateMembershipRequest, context: Any) -> pb.Membership:
        return await self._handlers.answer(request, pb.Membership(name="made"))

    async def UpdateMembership(self, request: rpc.UpdateMembershipRequest, context: Any) -> pb.Membership:
        return await self._handlers.answer(request, request.membership)

    async def ResolveMembership(self, request: rpc.ResolveMembershipRequest, context: Any) -> pb.Membership:
        return await self._handlers.answer(request, pb.Membership(name="resolved"))


class Auth(auth_grpc.AuthServiceServicer):
    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    async def VerifyEmail(self, request: auth_rpc.VerifyEmailRequest, context: Any) -> auth_pb.Account:
        return await self._handlers.answer(request, auth_pb.Account())


@dataclass(slots=True)
class Running:
    """The server and its stubs."""

    handlers: Handlers
    unfinished: set[asyncio.Task[Any]]
    channel: grpc.aio.Channel
    users: Any
    memberships: Any
    auth: Any

    async def get(self, caller: Metadata, name: str = ADA, **options: Any) -> Any:
        return await self.users.GetUser(rpc.GetUserRequest(name=name), metadata=caller, **options)

    async def list(self, caller: Metadata, parent: str = ACME) -> Any:
        return await self.users.ListUsers(rpc.ListUsersRequest(parent=parent), metadata=caller)

    async def update(self, caller: Metadata, request_id: str = "", timeout: float | None = None) -> Any:
        request = rpc.UpdateUserRequest(user=pb.User(name=ADA, display_name="Ada"), request_id=request_id)
        return await self.users.UpdateUser(request, metadata=caller, timeout=timeout)


@pytest.fixture
async def server(time: Time, keyring: Keyring) -> AsyncIterator[Running]:
    async with serving(Handlers(), time, keyring) as running:
        yield running


@pytest.fixture
def ada(time: Time) -> Metadata:
    """A call by somebody who may list the users of ACME."""
    return access_token(time, organization=ACME, permissions=["users.list", "memberships.create", "memberships.update"])


def access_token(time: Time, **claims: Any) -> Metadata:
    now_s = int(time().timestamp())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": ADA, "iat": now_s, "exp": now_s + 300}
    return (("authorization", f"Bearer {sign(KEY, ACCESS, {**good, **claims})}"),)


def service_token(time: Time, name: str) -> Metadata:
    token = ServiceTokens(SERVICE_KEYS[name], audience=AUDIENCE, clock=time).token()
    return (("authorization", f"Bearer {token}"),)


@asynccontextmanager
async def serving(
    handlers: Handlers,
    time: Time,
    keyring: Keyring,
    *,
    max_concurrent_calls: int = 64,
    trail: Trail | None = None,
) -> AsyncIterator[Running]:
    """Serve on a free port of loopback."""
    unfinished: set[asyncio.Task[Any]] = set()
    users = _verifier([KEY], ACCESS, ISSUER, time)
    services = _verifier([*SERVICE_KEYS.values()], SERVICE, None, time)
    nowhere = TokenBucket(connect_valkey("redis://127.0.0.1:1/0"), on_failure="open")
    guards = Guards("user", users, services, keyring, nowhere, max_concurrent_calls, unfinished, trail=trail)
    server, probe = build_server(_servicers(handlers), guards)
    await probe.set("", health_pb2.HealthCheckResponse.SERVING)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Running(
            handlers,
            unfinished,
            channel,
            stubs.UserServiceStub(channel),
            stubs.MembershipServiceStub(channel),
            auth_grpc.AuthServiceStub(channel),
        )
    await server.stop(None)


def _verifier(keys: list[ECKey], kind: str, issuer: str | None, clock: Time) -> TokenVerifier:
    known = static_keys(public_set(keys).decode())
    return TokenVerifier(known, kind=kind, audience=AUDIENCE, issuer=issuer, clock=clock)


def _servicers(handlers: Handlers) -> list[Servicer]:
    """Each serves a few of its methods: one of every kind of access."""
    user, auth = rpc.DESCRIPTOR.services_by_name, auth_rpc.DESCRIPTOR.services_by_name
    users, memberships, auths = Users(handlers), Memberships(handlers), Auth(handlers)  # type: ignore[abstract]
    return [
        Servicer(user["UserService"], stubs.add_UserServiceServicer_to_server, users),
        Servicer(user["MembershipService"], stubs.add_MembershipServiceServicer_to_server, memberships),
        Servicer(auth["AuthService"], auth_grpc.add_AuthServiceServicer_to_server, auths),
    ]


def said(refused: Refusal) -> tuple[StatusCode, str]:
    return refused.code, refused.reason


# Who may call


async def test_a_public_rpc_asks_for_no_token_and_looks_at_none(server: Running) -> None:
    request = auth_rpc.VerifyEmailRequest(token="t" * 32, password="p" * 15)

    await server.auth.VerifyEmail(request)
    await server.auth.VerifyEmail(request, metadata=(("authorization", "Bearer garbage"),))

    assert server.handlers.reached == [("VerifyEmail", ""), ("VerifyEmail", "")]


async def test_whoever_is_signed_in_may_call_where_no_permission_is_asked(server: Running, time: Time) -> None:
    assert (await server.get(access_token(time))).name == ADA

    assert server.handlers.reached == [("GetUser", ADA)]


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", ""),),
        (("authorization", "Bearer "),),
        (("authorization", "Bearer garbage"),),
        (("authorization", "Basic YWRhOnNlY3JldA=="),),
    ],
)
async def test_without_a_valid_token_nothing_is_reached(server: Running, metadata: Metadata) -> None:
    refused = await refusal(server.get(metadata))

    assert (said(refused), refused.domain) == ((StatusCode.UNAUTHENTICATED, "TOKEN_INVALID"), "trellis.user")
    assert server.handlers.reached == []


async def test_an_expired_token_is_refused(server: Running, ada: Metadata, time: Time) -> None:
    time.move(seconds=330)

    assert (await refusal(server.get(ada))).code is StatusCode.UNAUTHENTICATED


async def test_a_permission_is_held_against_the_token(server: Running, ada: Metadata, time: Time) -> None:
    await server.list(ada)

    refused = await refusal(server.list(access_token(time, organization=ACME, permissions=["organizations.get"])))

    assert said(refused) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert refused.metadata == {"permission": "users.list"}
    assert server.handlers.reached == [("ListUsers", ADA)]


@pytest.mark.parametrize("parent", ["organizations/org_other", f"{ACME}2", "organizations/org_", "organizations/x"])
async def test_another_organization_is_refused_identically_before_any_handler(
    server: Running, ada: Metadata, parent: str
) -> None:
    refused = await refusal(server.list(ada, parent))

    assert refused == await refusal(server.list(ada, "organizations/org_not_there"))
    assert said(refused) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert server.handlers.reached == []


async def test_a_name_nested_in_the_message_is_held_against_the_token_too(server: Running, ada: Metadata) -> None:
    nested = rpc.UpdateMembershipRequest(
        membership=pb.Membership(name="organizations/org_other/memberships/usr_eve", role=pb.ROLE_OWNER)
    )

    refused = await refusal(server.memberships.UpdateMembership(nested, metadata=ada))

    assert said(refused) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert server.handlers.reached == []


async def test_a_token_without_an_organization_reaches_none(server: Running, time: Time) -> None:
    refused = await refusal(server.list(access_token(time, permissions=["users.list"])))

    assert said(refused) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


TEAM = f"{ACME}/teams/team_1"


@pytest.mark.parametrize(
    ("resource", "name", "reached"),
    [
        (f"{ACME}/memberships/usr_bob", f"{ACME}/memberships/usr_bob", True),
        (ACME, f"{ACME}/memberships/usr_bob", True),
        (f"{ACME}/memberships/usr_bo", f"{ACME}/memberships/usr_bob", False),
        (f"{ACME}/memberships/usr_eve", f"{ACME}/memberships/usr_bob", False),
        (TEAM, f"{ACME}/memberships/usr_bob", False),
        ("organizations/org_other", "organizations/org_other/memberships/usr_bob", False),
    ],
)
async def test_a_permission_on_a_resource_opens_what_lies_below_it(
    server: Running, time: Time, resource: str, name: str, reached: bool
) -> None:
    token = access_token(time, organization=ACME, permissions=[], grants={resource: ["memberships.update"]})
    request = rpc.UpdateMembershipRequest(membership=pb.Membership(name=name, user="users/usr_eve", role=pb.ROLE_OWNER))

    call = server.memberships.UpdateMembership(request, metadata=token)

    if reached:
        await call
    else:
        assert said(await refusal(call)) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert len(server.handlers.reached) == reached


async def test_a_permission_on_a_resource_opens_nothing_else(server: Running, time: Time) -> None:
    token = access_token(time, organization=ACME, permissions=["users.list"], grants={TEAM: ["memberships.create"]})

    await server.list(token)
    another = await refusal(server.list(access_token(time, organization=ACME, grants={TEAM: ["users.list"]})))
    above = rpc.CreateMembershipRequest(parent=ACME, membership=pb.Membership(user=ADA, role=pb.ROLE_OWNER))
    unnamed = rpc.CreateMembershipRequest(membership=pb.Membership(user=ADA, role=pb.ROLE_OWNER))

    assert said(another) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    for request in (above, unnamed):
        refused = await refusal(server.memberships.CreateMembership(request, metadata=token))
        assert said(refused) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert server.handlers.reached == [("ListUsers", ADA)]


async def test_an_internal_rpc_is_for_the_services_it_names(server: Running, ada: Metadata, time: Time) -> None:
    request = rpc.ResolveMembershipRequest(organization=ACME, user=ADA)

    await server.memberships.ResolveMembership(request, metadata=service_token(time, "auth"))
    by_another = await refusal(server.memberships.ResolveMembership(request, metadata=service_token(time, "user")))
    by_a_person = await refusal(server.memberships.ResolveMembership(request, metadata=ada))
    by_nobody = await refusal(server.memberships.ResolveMembership(request))

    assert server.handlers.reached == [("ResolveMembership", "services/auth")]
    assert said(by_another) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert said(by_a_person) == said(by_nobody) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


async def test_a_service_token_opens_nothing_of_people(server: Running, time: Time) -> None:
    assert (await refusal(server.get(service_token(time, "auth")))).code is StatusCode.UNAUTHENTICATED


async def test_strangers_learn_nothing_about_the_request(server: Running) -> None:
    refused = await refusal(server.get((), name="no name at all"))

    assert (refused.code, refused.fields) == (StatusCode.UNAUTHENTICATED, [])


# What is asked


async def test_every_invalid_field_is_named(server: Running, ada: Metadata) -> None:
    request = rpc.ListUsersRequest(parent=ACME, page_size=-1, filter="x" * 1001)

    refused = await refusal(server.users.ListUsers(request, metadata=ada))

    assert said(refused) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID")
    assert sorted(refused.fields) == ["filter", "page_size"]
    assert server.handlers.reached == []


def by_rest(path: str, caller: Metadata, verb: str = "GET") -> Metadata:
    return (*caller, ("x-envoy-original-path", path), ("x-envoy-original-method", verb))


async def test_a_path_that_says_the_same_is_let_through(server: Running, ada: Metadata) -> None:
    await server.get(by_rest("/v1/users/usr_ada", ada))
    await server.get(by_rest("/v1/users/usr_ada?x=1", ada))
    await server.get(by_rest("/v1/users%2Fusr_ada".replace("%2F", "/"), ada))

    assert len(server.handlers.reached) == 3


@pytest.mark.parametrize("path", ["/v1/users/usr_bob", "/v1/users/usr_bob?name=users/usr_ada"])
async def test_a_query_or_body_that_says_another_name_than_the_path_is_refused(
    server: Running, ada: Metadata, path: str
) -> None:
    refused = await refusal(server.get(by_rest(path, ada)))

    assert (said(refused), refused.fields) == ((StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"), ["name"])
    assert server.handlers.reached == []


@pytest.mark.parametrize("path", ["/v1/organizations/org_acme", "/v1/users", "/", ""])
async def test_a_path_of_another_method_is_refused(server: Running, ada: Metadata, path: str) -> None:
    refused = await refusal(server.get(by_rest(path, ada)))

    assert said(refused) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID")


# How it ends


async def test_a_declared_error_comes_with_its_reason(server: Running, ada: Metadata) -> None:
    async def fail(_: Any) -> None:
        raise Gone("users/usr_ada is gone.", user=ADA)

    server.handlers.do = fail

    assert await refusal(server.get(ada)) == Refusal(
        StatusCode.NOT_FOUND, "GONE", "users/usr_ada is gone.", "trellis.user", {"user": ADA}, [], None
    )


async def test_a_bug_is_internal_and_says_nothing(server: Running, ada: Metadata) -> None:
    async def fail(_: Any) -> None:
        raise KeyError("password=hunter2")

    server.handlers.do = fail

    assert await refusal(server.get(ada)) == Refusal(
        StatusCode.INTERNAL, "INTERNAL", "Internal error.", "trellis.user", {}, [], None
    )


async def test_an_engine_that_is_away_is_worth_another_try(server: Running, ada: Metadata) -> None:
    async def fail(_: Any) -> None:
        raise ConnectionRefusedError

    server.handlers.do = fail
    refused = await refusal(server.get(ada))

    assert said(refused) == (StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert refused.retry_after_s == 0.5


async def test_when_to_come_back_is_said_for_grpc_and_for_rest(server: Running, ada: Metadata) -> None:
    async def fail(_: Any) -> None:
        raise Unavailable("Try again.", retry_after_s=1.25)

    server.handlers.do = fail
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.get(ada)

    trailing = dict(caught.value.trailing_metadata() or ())
    assert (trailing["grpc-retry-pushback-ms"], trailing["retry-after"]) == ("1250", "2")


async def test_a_deadline_cancels_a_read(server: Running, ada: Metadata) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def hang(_: Any) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    server.handlers.do = hang
    with pytest.raises(grpc.aio.AioRpcError) as late:
        await server.get(ada, timeout=0.3)

    assert late.value.code() is StatusCode.DEADLINE_EXCEEDED
    assert began.is_set()
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_deadline_lets_a_mutation_finish(server: Running, ada: Metadata) -> None:
    began, go_on, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(request: Any) -> Any:
        began.set()
        await go_on.wait()
        finished.set()
        return request.user

    server.handlers.do = work
    with pytest.raises(grpc.aio.AioRpcError) as late:
        await server.update(ada, timeout=0.3)

    assert late.value.code() is StatusCode.DEADLINE_EXCEEDED
    assert (began.is_set(), finished.is_set(), len(server.unfinished)) == (True, False, 1)
    go_on.set()
    await asyncio.wait_for(finished.wait(), 5)
    await until(lambda: not server.unfinished)


async def test_a_caller_who_hangs_up_lets_a_mutation_finish(server: Running, ada: Metadata) -> None:
    began, go_on, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(request: Any) -> Any:
        began.set()
        await go_on.wait()
        finished.set()
        return request.user

    server.handlers.do = work
    call = asyncio.ensure_future(server.update(ada))
    await began.wait()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    go_on.set()

    await asyncio.wait_for(finished.wait(), 5)
    await until(lambda: not server.unfinished)


async def test_calls_beyond_the_limit_are_refused_at_once(time: Time, keyring: Keyring, ada: Metadata) -> None:
    go_on, running = asyncio.Event(), 0

    async def hang(request: Any) -> Any:
        nonlocal running
        running += 1
        await go_on.wait()
        return pb.User(name=request.name)

    async with serving(Handlers(hang), time, keyring, max_concurrent_calls=2) as server:
        served = [asyncio.ensure_future(server.get(ada)) for _ in range(2)]
        await until(lambda: running == 2)

        refused = await refusal(server.get(ada))

        assert (said(refused), refused.retry_after_s) == ((StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"), 0.2)
        go_on.set()
        assert [answer.name for answer in await asyncio.gather(*served)] == [ADA, ADA]
        assert (await server.get(ada)).name == ADA


# Again


async def test_a_repeated_request_gets_the_first_answer(server: Running, ada: Metadata) -> None:
    first = pb.User(name=ADA, display_name="The first")

    async def done_before(_: Any) -> None:
        raise repeat.AlreadyDone(first.SerializeToString())

    server.handlers.do = done_before

    assert await server.update(ada, REQUEST_ID) == first


async def test_a_request_is_told_apart_by_caller_id_and_body(server: Running, ada: Metadata, time: Time) -> None:
    seen: list[repeat.Request | repeat.Delivery] = []

    async def look(request: Any) -> Any:
        seen.append(repeat.current.get())
        return request.user

    server.handlers.do = look
    await server.update(ada, REQUEST_ID)
    await server.update(ada, REQUEST_ID)
    await server.update(access_token(time, sub="users/usr_bob"), REQUEST_ID)
    await server.update(ada)

    again, other, without_id = seen[1:]
    assert seen[0] == again
    assert isinstance(other, repeat.Request)
    assert (other.key != again.key, without_id) == (True, repeat.NOT_REPEATABLE)  # type: ignore[union-attr]


@pytest.mark.parametrize("key", ["k" * 129])
async def test_an_idempotency_key_has_an_end(server: Running, ada: Metadata, key: str) -> None:
    refused = await refusal(server.update((*ada, ("idempotency-key", key))))

    assert (said(refused), refused.fields) == ((StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID"), ["request_id"])


# Beside the contract


async def test_what_the_edge_lets_through_is_never_too_large(server: Running, ada: Metadata) -> None:
    headers = [*ada, *((f"x-{number}", "a" * 320) for number in range(95))]  # 32 kB in a hundred headers

    assert (await server.users.GetUser(rpc.GetUserRequest(name=ADA), metadata=headers)).name == ADA


async def test_health_is_open_to_everybody(server: Running) -> None:
    answer = await health_pb2_grpc.HealthStub(server.channel).Check(health_pb2.HealthCheckRequest())

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)
