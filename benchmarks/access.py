"""What auth answers all day: whether somebody may do something, and the next token of a session."""

from __future__ import annotations

import asyncio

import grpc

from benchmarks.compare import compare
from benchmarks.load import CALLERS, calls_per_s
from benchmarks.platform import PASSWORD, Platform, baseline
from benchmarks.report import Result
from trellis.auth.v1 import access_service_pb2 as rpc
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as auth_rpc
from trellis.auth.v1.access_service_pb2_grpc import AccessServiceStub
from trellis.auth.v1.service_pb2_grpc import AuthServiceStub

BINDINGS = 10


def check_access(running: Platform) -> Result:
    """A member with ten role bindings asks for what the last of them permits."""
    organization, token = _member_with_bindings(running)
    question = rpc.CheckAccessRequest(permission="memberships.update", resource=f"{organization}/projects/prj_9")
    auth = running.home.ports["auth_a"]
    with baseline("access") as bare:
        return compare("check_access", 0.50, lambda: _check(auth, question, token), lambda: _check(bare, question, token))


def refresh_token(running: Platform) -> list[Result]:
    """Sessions are refreshed one after the other: without an organization, and in one."""
    auth = running.home.ports["auth_a"]
    urls = {"BENCH_DATABASE_URL": running.auth_database_url, "BENCH_USERS_URL": running.user_database_url}
    with baseline("refresh", **urls) as bare:
        results = []
        for name, email in (("refresh_token", running.sign_up()), ("refresh_token_in_organization", _owner(running))):
            mine, theirs = asyncio.run(_sessions(auth, email)), asyncio.run(_sessions(auth, email))
            ours = [tokens.refresh_token for tokens in mine]
            others = [f"{tokens.session} 1" for tokens in theirs]
            results.append(compare(name, 0.60, lambda t=ours: _refresh(auth, t), lambda t=others: _refresh(bare, t)))  # type: ignore[misc]
        return results


def _member_with_bindings(running: Platform) -> tuple[str, str]:
    """Return an organization and the token of a member of it."""
    _, owner = running.sign_in()
    organization = str(running.post("/v1/organizations", {"displayName": "Bench"}, owner)["name"])
    owner = str(running.post("/v1/auth:switchOrganization", {"organization": organization}, owner)["accessToken"])
    user, token = running.join(organization, owner)
    for number in range(BINDINGS):
        binding = {"role": "roles/admin", "subject": user, "resource": f"{organization}/projects/prj_{number}"}
        running.post(f"/v1/{organization}/roleBindings", binding, owner)
    switched = running.post("/v1/auth:switchOrganization", {"organization": organization}, token)
    return organization, str(switched["accessToken"])


def _owner(running: Platform) -> str:
    """Return the address of somebody whose sessions begin in an organization."""
    email = running.sign_up()
    token = str(running.post("/v1/auth:signIn", {"email": email, "password": PASSWORD})["accessToken"])
    organization = running.post("/v1/organizations", {"displayName": "Bench"}, token)["name"]
    running.post("/v1/auth:switchOrganization", {"organization": organization}, token)
    return email


async def _sessions(port: int, email: str) -> list[pb.TokenSet]:
    """Begin a session for each caller."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = auth_rpc.SignInRequest(email=email, password=PASSWORD)
        return [await AuthServiceStub(channel).SignIn(request) for _ in range(CALLERS)]


async def _check(port: int, question: rpc.CheckAccessRequest, token: str) -> float:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = AccessServiceStub(channel)
        metadata = (("authorization", f"Bearer {token}"),)

        async def call() -> None:
            answer = await stub.CheckAccess(question, metadata=metadata)
            if not answer.allowed:
                raise RuntimeError("it is allowed")

        return await calls_per_s(call)


async def _refresh(port: int, tokens: list[str]) -> float:
    """Refresh whichever session waits longest; `tokens` has the newest token of each afterwards."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = AuthServiceStub(channel)

        async def call() -> None:
            answer = await stub.RefreshToken(auth_rpc.RefreshTokenRequest(refresh_token=tokens.pop(0)))
            tokens.append(answer.refresh_token)

        return await calls_per_s(call)
