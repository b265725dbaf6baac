"""What `trellis up` promises: everything comes back, nothing outlives it, nothing is lost. On the real engines."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from cli.engines.postgres import PostgresEngine
from cli.home import Home
from tests.e2e.client import Rest
from tests.e2e.platform import eventually, successor
from tests.e2e.system import System, alive
from trellis.auth.v1.service_pb2 import GetJwksRequest
from trellis.auth.v1.service_pb2_grpc import JwksServiceStub

KEYS = "/.well-known/jwks.json"
PROCESSES = ("postgres", "valkey", "envoy", "auth", "user")


@pytest.fixture
def system() -> Iterator[System]:
    yield from _system()


@pytest.fixture
def neighbour() -> Iterator[System]:
    yield from _system()


def _system() -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="trellis-") as directory:
        os.chmod(directory, 0o755)
        system = System(Path(directory, "home"))
        yield system
        for pid in system.processes():
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not system.processes(), 10)


def test_each_killed_process_comes_back(system: System) -> None:
    system.trellis("up", "--detach")

    for name in PROCESSES:
        killed = system.kill(name)
        system.back(name, instead_of=killed)

    restarts = {row["name"]: row["restarts"] for row in system.status()["processes"]}
    assert all(restarts[name] == 1 for name in PROCESSES), restarts
    system.trellis("down")
    assert not system.processes()


def test_a_killed_service_that_is_healthy_again_serves_at_once(system: System) -> None:
    """Also those whom the edge has turned away meanwhile: it must not go on with it."""
    system.trellis("up", "--detach")
    rest = Rest(Home(system.home).endpoints["rest"])

    for _ in range(3):
        kill_while_it_is_asked(system, rest)
        assert rest.get(KEYS).status == 200


def kill_while_it_is_asked(system: System, rest: Rest) -> None:
    """Kill auth, and go on asking it until the supervisor says that all is well."""
    killed = system.kill("auth")

    def healthy() -> bool:
        rest.get(KEYS)
        return successor(Home(system.home), "auth", killed) > 0

    eventually(healthy, 15)


def test_a_killed_supervisor_leaves_no_process(system: System) -> None:
    system.trellis("up", "--detach")
    assert len(system.processes()) > len(PROCESSES)

    system.kill("supervisor")

    eventually(lambda: not system.processes(), 10)
    system.trellis("status", code=3)


def test_the_next_start_after_a_kill_does_not_wait_for_anybody_to_clean_up(system: System) -> None:
    system.trellis("up", "--detach")
    system.kill("supervisor")

    system.trellis("up", "--detach")

    assert system.status()["healthy"]
    system.trellis("down")


def test_a_service_that_hangs_does_not_outlive_its_killed_host(system: System) -> None:
    system.trellis("up", "--detach")
    auth = system.pid("auth")
    os.kill(auth, signal.SIGSTOP)  # hangs: no handler of its own runs any more

    system.kill("supervisor")

    eventually(lambda: not alive(auth) and not system.processes(), 15)


def test_the_second_start_finds_its_data(system: System) -> None:
    system.trellis("up", "--detach")
    _postgres(system).sql("CREATE TABLE kept AS SELECT 42 AS answer")
    system.trellis("down")

    system.trellis("up", "--detach")

    assert _postgres(system).sql("SELECT answer FROM kept") == "42"
    system.trellis("down")


def test_two_homes_run_side_by_side(system: System, neighbour: System) -> None:
    system.trellis("up", "--detach")
    neighbour.trellis("up", "--detach")

    assert not set(_ports(system)) & set(_ports(neighbour))
    system.trellis("down")
    assert not system.processes()
    assert neighbour.status()["healthy"]
    neighbour.trellis("down")


def test_a_taken_port_is_named_with_its_holder_and_the_way_out(system: System) -> None:
    started_before = Home(system.home)
    started_before.save_ports(None)
    with socket.create_server(("127.0.0.1", started_before.ports["valkey"])) as squatter:
        said = " ".join(system.refusal("up", "--detach").split())
        port = squatter.getsockname()[1]

    assert f"port {port} (valkey)" in said
    assert f"pid {os.getpid()}" in said
    assert "--port-base" in said
    assert not system.processes()


def test_a_second_supervisor_is_refused(system: System) -> None:
    system.trellis("up", "--detach")

    assert "already runs" in system.refusal("up")
    assert system.status()["healthy"]
    system.trellis("down")


@pytest.mark.parametrize("service", ["auth", "user"])
def test_a_service_is_replaced_in_its_other_slot(system: System, service: str) -> None:
    system.trellis("up", "--detach")
    before = system.pid(service)

    system.trellis("restart", service)

    assert system.status()["healthy"]
    assert system.pid(service) != before
    assert not alive(before)
    system.trellis("down")


def _ports(system: System) -> list[int]:
    return list(Home(system.home).ports.values())


def _postgres(system: System) -> PostgresEngine:
    return PostgresEngine(system.home, Home(system.home).ports["postgres"])


async def test_replacing_a_service_under_load_fails_no_call(system: System) -> None:
    await asyncio.to_thread(system.trellis, "up", "--detach", "--workers", "2")
    replaced = asyncio.Event()

    async with grpc.aio.insecure_channel(Home(system.home).endpoints["grpc"]) as channel:
        stub = JwksServiceStub(channel)
        callers = [asyncio.create_task(_call_until(replaced, stub)) for _ in range(10)]
        await asyncio.to_thread(system.trellis, "restart", "auth")
        replaced.set()
        answered = await asyncio.gather(*callers)  # the first failed call fails the test

    assert min(answered) > 100
    await asyncio.to_thread(system.trellis, "down")


async def _call_until(end: asyncio.Event, stub: Any) -> int:
    answered = 0
    while not end.is_set():
        await stub.GetJwks(GetJwksRequest(), timeout=5)
        answered += 1
    return answered
