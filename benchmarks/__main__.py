"""`python -m benchmarks`: run everything, print the table, keep it."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from joserfc.jwk import ECKey

from benchmarks.access import check_access, refresh_token
from benchmarks.compare import ROUNDS, compare
from benchmarks.flood import flood
from benchmarks.load import Call, Http, calls_per_s
from benchmarks.many import import_users, list_depth
from benchmarks.platform import Platform, baseline, free_port, platform
from benchmarks.report import Result, keep
from services.chassis.tokens import ACCESS, LONGEST_LIFETIME_S, public_set, sign
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1.service_pb2_grpc import UserServiceStub


def main() -> None:
    """Measure one thing after the other."""
    results = [_middleware()]
    with platform(TRELLIS_LOG_LEVEL="info") as running:
        user, token = running.sign_in()
        results += [_get_user_grpc(running, user, token), _update_user(running, user, token)]
        results += [_get_user_rest(running, token), _api_key_rest(running, token)]
        results += [check_access(running), *refresh_token(running)]
        results += [flood(running), import_users(running), list_depth(running)]
    with platform() as running:
        results += [_idle_pss(running), _start(running)]
    sys.stdout.write(keep(results))


def _middleware() -> Result:
    key = ECKey.generate_key("P-256", {"kid": "bench"})
    now_s = int(time.time())
    claims = {
        "iss": "https://auth.trellis.local",
        "aud": "trellis",
        "sub": "users/usr_01",
        "iat": now_s,
        "exp": now_s + LONGEST_LIFETIME_S,
    }
    settings = {
        "TRELLIS_PORT": "0",
        "TRELLIS_METRICS_PORT": str(free_port()),
        "TRELLIS_DATABASE_URL": "unused",
        "TRELLIS_VALKEY_URL": "redis://127.0.0.1:1/0",
        "TRELLIS_ROOT_SECRET": "00" * 32,
        "TRELLIS_SERVICE_KEY": "{}",
        "TRELLIS_SERVICE_KEYS": "{}",
        "BENCH_JWKS": public_set([key]).decode(),
    }
    with baseline("chain", **settings) as ours, baseline("echo") as bare:
        token = sign(key, ACCESS, claims)
        return compare(
            "middleware", 0.75, lambda: _get(ours, "users/usr_01", token), lambda: _get(bare, "users/usr_01", token)
        )


def _get_user_grpc(running: Platform, user: str, token: str) -> Result:
    with baseline("bare", BENCH_DATABASE_URL=running.user_database_url) as bare:
        ours = running.home.ports["user_a"]
        return compare("get_user_grpc", 0.75, lambda: _get(ours, user, token), lambda: _get(bare, user, token))


def _update_user(running: Platform, user: str, token: str) -> Result:
    running.sql(
        "CREATE TABLE IF NOT EXISTS bench_outbox (LIKE outbox INCLUDING ALL);"
        "CREATE TABLE IF NOT EXISTS bench_answers (LIKE answers INCLUDING ALL);"
    )
    with baseline("bare", BENCH_DATABASE_URL=running.user_database_url) as bare:
        ours = running.home.ports["user_a"]
        people = [running.sign_in() for _ in range(4)]  # one row would measure its lock, not the services
        mine = [*people, (user, token)]
        return compare("update_user", 0.60, lambda: _update(ours, mine), lambda: _update(bare, mine))


def _get_user_rest(running: Platform, token: str) -> Result:
    jwks = running.jwks()
    edge = running.home.ports["edge"]
    with (
        baseline("fastapi", BENCH_DATABASE_URL=running.user_database_url, BENCH_JWKS=jwks) as upstream,
        _plain_proxy(running, upstream) as proxy,
    ):
        bearer = f"authorization: Bearer {token}"
        return compare("get_user_rest", 1.0, lambda: _rest(edge, bearer), lambda: _rest(proxy, bearer))


def _api_key_rest(running: Platform, token: str) -> Result:
    """The same person by a key and by a token, both of an organization."""
    organization = str(running.post("/v1/organizations", {"displayName": "Bench"}, token)["name"])
    token = str(running.post("/v1/auth:switchOrganization", {"organization": organization}, token)["accessToken"])
    wanted = {"displayName": "Bench", "scopes": ["users.list"]}
    secret = running.post(f"/v1/{organization}/apiKeys", wanted, token)["secret"]
    edge = running.home.ports["edge"]
    key, bearer = f"x-api-key: {secret}", f"authorization: Bearer {token}"
    return compare("api_key_rest", 0.75, lambda: _rest(edge, key), lambda: _rest(edge, bearer))


def _idle_pss(running: Platform) -> Result:
    time.sleep(5)
    processes = [int((running.home.run / "lock").read_text())]
    for pid in processes:
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        processes += [int(child) for path in tasks for child in path.read_text().split()]
    total_mb = sum(_pss_kb(pid) for pid in processes) / 1024
    return Result("idle_pss_mb", round(total_mb), "MB", "≤ 350", 1, f"{len(processes)} processes")


def _start(running: Platform) -> Result:
    seconds = []
    for _ in range(ROUNDS):
        running.trellis("down")
        began_s = time.monotonic()
        running.trellis("up", "--detach")
        seconds.append(time.monotonic() - began_s)
    return Result("start_s", round(statistics.median(seconds), 2), "s", "≤ 4", ROUNDS)


async def _get(port: int, user: str, token: str) -> float:
    request = rpc.GetUserRequest(name=user)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = UserServiceStub(channel)
        metadata = (("authorization", f"Bearer {token}"),)

        async def call() -> None:
            await stub.GetUser(request, metadata=metadata)

        return await calls_per_s(call)


async def _update(port: int, people: list[tuple[str, str]]) -> float:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        return await calls_per_s(_updating(UserServiceStub(channel), people))


def _updating(stub: Any, people: list[tuple[str, str]]) -> Call:
    turn = 0

    async def call() -> None:
        nonlocal turn
        turn += 1
        user, token = people[turn % len(people)]
        request = rpc.UpdateUserRequest(user=pb.User(name=user, display_name=f"Bench {turn}"), request_id=str(uuid.uuid4()))
        await stub.UpdateUser(request, metadata=(("authorization", f"Bearer {token}"),))

    return call


async def _rest(port: int, credential: str) -> float:
    http = Http(port, "/v1/users/me", credential)
    try:
        return await calls_per_s(http.get)
    finally:
        http.close()


@contextlib.contextmanager
def _plain_proxy(running: Platform, upstream: int) -> Iterator[int]:
    """Run the same Envoy with nothing but a route."""
    from benchmarks.proxy import plain_proxy

    with plain_proxy(running.home.run / "proxy.json", upstream) as port:
        yield port


def _pss_kb(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
