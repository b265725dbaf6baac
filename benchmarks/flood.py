"""Wrong passwords in floods: what everybody else notices of them. Run as a program, it is the flood."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import time
import uuid
from collections.abc import Awaitable, Callable

import grpc
from argon2 import PasswordHasher

from benchmarks.platform import Platform
from benchmarks.report import Result
from trellis.auth.v1 import service_pb2 as auth
from trellis.auth.v1.service_pb2_grpc import AuthServiceStub
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1.service_pb2_grpc import UserServiceStub

ROUNDS = 3
SECONDS = 5.0
WARM_UP_SECONDS = 1.0
READS_PER_S = 100.0
TIMES = 10
CORES = 2
_HASHES = 10


def flood(running: Platform) -> Result:
    """p99 of GetUser at a steady pace, while wrong passwords come ten times as fast as argon2id checks them, and without."""
    sys.stderr.write("flood …\n")
    user, token = running.sign_in()
    rate = TIMES * _checks_per_s()
    loud, quiet = [], []
    for _ in range(ROUNDS):
        quiet.append(asyncio.run(_p99(running, user, token, 0)))
        loud.append(asyncio.run(_p99(running, user, token, rate)))
    during, before = statistics.median(loud), statistics.median(quiet)
    detail = f"{during * 1000:.1f} against {before * 1000:.1f} ms, {rate:.0f} wrong passwords/s"
    return Result("flood", round(during / before, 2), "of its p99", "≤ 2", ROUNDS, detail)


def _checks_per_s() -> float:
    """Return how many passwords the cores can check in a second, with the parameters of auth."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    began_s = time.perf_counter()
    for _ in range(_HASHES):
        hasher.hash("a password")
    return CORES * _HASHES / (time.perf_counter() - began_s)


async def _p99(running: Platform, user: str, token: str, wrong_per_s: float) -> float:
    """Return the 99th percentile of GetUser in seconds, each timed from when it was due."""
    command = [sys.executable, "-m", "benchmarks.flood", str(running.home.ports["auth_a"]), str(wrong_per_s)]
    flooding = await asyncio.create_subprocess_exec(*command, env=running.env) if wrong_per_s else None
    taken: list[float] = []
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{running.home.ports['user_a']}") as channel:
            stub, metadata = UserServiceStub(channel), (("authorization", f"Bearer {token}"),)

            async def read(due_s: float) -> None:
                await stub.GetUser(rpc.GetUserRequest(name=user), metadata=metadata)
                taken.append(time.perf_counter() - due_s)

            await steadily(read, READS_PER_S, WARM_UP_SECONDS)
            taken.clear()
            await steadily(read, READS_PER_S, SECONDS)
    finally:
        if flooding is not None:
            flooding.kill()
            await flooding.wait()
    return statistics.quantiles(taken, n=100)[98]


async def steadily(call: Callable[[float], Awaitable[None]], per_s: float, seconds: float) -> None:
    """Call at a steady pace, whether or not earlier calls were answered."""
    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as calls:
        for number in range(int(per_s * seconds)):
            due_s = began_s + number / per_s
            if (wait_s := due_s - time.perf_counter()) > 0:
                await asyncio.sleep(wait_s)
            calls.create_task(_once(call, due_s))


async def _once(call: Callable[[float], Awaitable[None]], due_s: float) -> None:
    await call(due_s)


async def _flood(port: int, per_s: float) -> None:
    """Guess passwords of addresses that are all different, until killed."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = AuthServiceStub(channel)

        async def guess(_: float) -> None:
            form = auth.SignInRequest(email=f"{uuid.uuid4().hex}@example.com", password="not the right password")
            with contextlib.suppress(grpc.aio.AioRpcError):
                await stub.SignIn(form)

        while True:
            await steadily(guess, per_s, 1.0)


if __name__ == "__main__":
    asyncio.run(_flood(int(sys.argv[1]), float(sys.argv[2])))
