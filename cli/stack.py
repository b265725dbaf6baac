"""What runs together on one machine, and the life of one `trellis up`."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from cli.control import listening
from cli.engines.envoy import EnvoyEngine
from cli.engines.postgres import PostgresEngine
from cli.engines.services import ServicesEngine, database_of
from cli.engines.valkey import ValkeyEngine
from cli.home import SERVICES, Home, PortTaken, refuse_taken
from cli.logs import LogBook, screen_colour
from cli.supervisor import Process, Supervisor

_BACK_WITHIN_S = 50.0  # of a restart: a start and a drain
_LEFTOVERS_S = 8.0  # what a killed supervisor left behind ends by itself within this time
_POLL_S = 0.05


class AlreadyRunning(Exception):
    """Another supervisor holds this home."""


@dataclass(slots=True)
class Stack:
    """The platform of one home."""

    home: Home
    supervisor: Supervisor
    services: ServicesEngine
    envoy: EnvoyEngine

    async def status(self) -> dict[str, Any]:
        """Return what `trellis status -o json` prints. Healthy is what a caller of the edge finds: calls arrive."""
        processes = [*self._engines(), *self._services()]
        up = all(process.up.is_set() for process in self.supervisor.processes.values())
        healthy = up and all(process["state"] == "ready" for process in processes) and await self.calls_arrive()
        return {"healthy": healthy, "endpoints": self.home.endpoints, "processes": processes}

    async def calls_arrive(self) -> bool:
        """Whether the edge has found each service: a while after it is ready, when it comes back from a crash."""
        return await asyncio.to_thread(self.envoy.routes_to, SERVICES)

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what another command asks."""
        match request.get("do"):
            case "status":
                return await self.status()
            case "down":
                self.supervisor.stopping.set()
                return {"done": True}
            case "restart":
                return await self._restart(str(request.get("name", "")))
        return {"error": f"unknown command {request.get('do')}"}

    async def _restart(self, name: str) -> dict[str, Any]:
        names = [name] if name else [*SERVICES]
        for each in names:
            if each not in SERVICES and each not in self.supervisor.processes:
                known = ", ".join([*SERVICES, *(n for n in self.supervisor.processes if n != "services")])
                return {"error": f"there is no process {each}; there are {known}"}
            if not await (self._roll(each) if each in SERVICES else self._end(each)):
                return {"error": f"{each} was not ready again after {_BACK_WITHIN_S:.0f} s; `trellis logs {each}` says why"}
        return {"done": True}

    async def _end(self, name: str) -> bool:
        """End a process of ours; whether it is back."""
        process = self.supervisor.processes[name]
        before = process.restarts
        await self.supervisor.restart(name)
        return await _until(lambda: process.restarts > before and process.up.is_set(), _BACK_WITHIN_S)

    async def _roll(self, service: str) -> bool:
        """Replace a service without losing a call; whether the old one has gone and the new one serves."""
        old = {row["pid"] for row in self._rows(service)}
        self.supervisor.tell("services", f"restart {service}")
        return await _until(lambda: self._replaced(service, old), _BACK_WITHIN_S)

    def _replaced(self, service: str, old: set[int]) -> bool:
        rows = self._rows(service)
        return bool(rows) and all(row["state"] == "ready" and row["pid"] not in old for row in rows)

    def _rows(self, service: str) -> list[dict[str, Any]]:
        return [row for row in self.services.children() if row["name"] == service]

    def _engines(self) -> list[dict[str, Any]]:
        return [
            {
                "name": process.name,
                "pid": process.child.pid if process.child else None,
                "state": process.state,
                "restarts": process.restarts,
            }
            for process in self.supervisor.processes.values()
            if process.name != "services"
        ]

    def _services(self) -> list[dict[str, Any]]:
        """Return each service once: while one drains and its successor starts, the one that serves."""
        rows = self.services.children() if self.supervisor.processes["services"].child else []
        found = []
        for service in SERVICES:
            own = sorted((row for row in rows if row["name"] == service), key=lambda row: row["state"] != "ready")
            first = own[0] if own else {"name": service, "pid": None, "state": "waiting", "restarts": 0}
            found.append({key: first[key] for key in ("name", "pid", "state", "restarts")})
        return found


def build(home: Home, workers: int, log: Callable[[str, str], None]) -> Stack:
    """Return the stack of a home: what runs, and what leans on what."""
    ports, databases = home.ports, [database_of(service) for service in SERVICES]
    postgres, valkey = PostgresEngine(home.path, ports["postgres"], databases), ValkeyEngine(home.path, ports["valkey"])
    services = ServicesEngine(home, postgres, valkey, workers)
    envoy = EnvoyEngine(home.path, ports)
    processes = [
        Process(postgres),
        Process(valkey),
        Process(services, after=("postgres", "valkey"), waits="for a line"),
        Process(envoy, after=("services",)),
    ]
    return Stack(home, Supervisor(processes, log), services, envoy)


def run(home: Home, *, workers: int, screen: TextIO | None, ready: Callable[[Stack], None]) -> str:
    """Run the platform until it is told to stop; return why it failed, or nothing. Raises AlreadyRunning."""
    home.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_one(home) as killed_before:
        await_free_ports(home, within_s=_LEFTOVERS_S if killed_before else 0)
        return asyncio.run(_run(home, workers, screen, ready))


async def _run(home: Home, workers: int, screen: TextIO | None, ready: Callable[[Stack], None]) -> str:
    book = LogBook(home.logs, screen, colour=screen_colour())
    stack = build(home, workers, book.write)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stack.supervisor.stopping.set)
    async with contextlib.AsyncExitStack() as opened:
        opened.callback(book.close)
        await opened.enter_async_context(listening(home, stack.answer))
        running = asyncio.create_task(stack.supervisor.run())
        if await stack.supervisor.all_up():
            await _edge_open(stack)
            ready(stack)
        return await running


async def _edge_open(stack: Stack) -> None:
    while not stack.supervisor.stopping.is_set():
        if await stack.calls_arrive():
            return
        await asyncio.sleep(0.02)


class _only_one:  # noqa: N801 -- reads as a statement
    """Holds the home's lock: the kernel gives it back when the process ends, however it ends.

    Entering tells whether the last holder was killed: one that ended in order left the file empty.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.run / "lock"

    def __enter__(self) -> bool:
        self._file = self._path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(f"Trellis already runs from {self._path.parents[1]}; see `trellis status`.") from None
        killed_before = self._path.stat().st_size > 0
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()
        return killed_before

    def __exit__(self, *_: object) -> None:
        self._file.truncate(0)
        self._file.close()


def await_free_ports(home: Home, *, within_s: float) -> None:
    """Raises PortTaken for a port that stays taken."""
    end_s = time.monotonic() + within_s
    while True:
        try:
            return refuse_taken(home.ports)
        except PortTaken:
            if time.monotonic() > end_s:
                raise
            time.sleep(_POLL_S)


async def _until(condition: Callable[[], bool], within_s: float) -> bool:
    end_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        await asyncio.sleep(_POLL_S)
    return True


def log_path(home: Home) -> Path:
    """Return where a detached supervisor itself writes."""
    return home.logs / "trellis.log"


def start_detached(arguments: list[str], home: Home) -> int:
    """Start `trellis up` as a process of its own and return its pid."""
    import subprocess

    home.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log_path(home).open("a") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "cli", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return child.pid
