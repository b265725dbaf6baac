"""`python -m services.host`: one warm parent that forks every service.

The parent imports what all services need, once, and forks before any thread, event loop or gRPC object exists: seven
isolated processes for little more than the price of one. It restarts what dies, and replaces what is to be restarted
without losing a call: the new process starts in the service's other slot, and only when it is ready is the old one drained.

It takes lines on standard input: `start` once the databases are there, then `restart auth`. The end of its input is the
end of its supervisor: it stops, and gives calls in flight less time, for nobody can reach them any more.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

STOP = {signal.SIGTERM, signal.SIGINT}
SEEN_BY_THE_EDGE_S = 2.0  # several health-check intervals of the edge
STEADY_S = 30.0  # a process that lived this long did not fail to start
BACKOFF_LIMIT_S = 10.0
QUICK_DEATHS = 5
HOPELESS = 78  # EX_CONFIG: the supervisor does not try again
DRAIN_S = 15.0  # longer than a service needs by its own settings
ORPHAN_DRAIN_S = 2.5


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a process listens."""

    port: int
    metrics_port: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One service: its environment and its two slots."""

    env: dict[str, str]
    slots: tuple[Slot, Slot]


@dataclass(slots=True)
class Child:
    """One running process."""

    service: str
    slot: int
    worker: int
    pid: int
    born_s: float
    state: str = "starting"


@dataclass(slots=True)
class Host:
    """The parent. Single-threaded: it does one thing after another, woken by signals, readiness and lines."""

    plans: dict[str, Plan]
    workers: int
    table: Path
    children: dict[int, Child] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    quick_deaths: dict[str, int] = field(default_factory=dict)
    due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    told_to_stop: bool = False
    stopping: bool = False
    hopeless: str = ""
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    parent: int = field(default_factory=os.getppid)

    def run(self) -> None:
        """Serve until told to stop and the last child has ended."""
        self._listen()
        for service in self.plans:
            self.slots[service], self.restarts[service], self.quick_deaths[service] = 0, 0, 0
            self._start(service, 0)
        while self.children or not self.stopping:
            for key, _ in self.selector.select(self._patience_s()):
                key.data()
            if self.told_to_stop and not self.stopping:
                self.stop(DRAIN_S if os.getppid() == self.parent else ORPHAN_DRAIN_S)
            self._reap()
            self._do_due()
            self._write_table()

    def restart(self, service: str) -> None:
        """Begin a rolling restart: a new process in the other slot first."""
        if service in self.plans and not self.stopping and all(c.state == "ready" for c in self._of(service)):
            self.restarts[service] += 1
            self._start(service, 1 - self.slots[service])

    def stop(self, within_s: float = DRAIN_S) -> None:
        """Drain every child; whoever is not done in time is killed."""
        self.stopping = True
        for child in self.children.values():
            self._drain(child, within_s)

    def _of(self, service: str) -> list[Child]:
        return [child for child in self.children.values() if child.service == service]

    def _start(self, service: str, slot: int) -> None:
        for worker in range(self.workers):
            self._fork(service, slot, worker)

    def _fork(self, service: str, slot: int, worker: int) -> None:
        reader, writer = os.pipe()
        host = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)  # else a signal here runs the parent's handler in the child
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._be(host, service, slot, worker, writer)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)
        os.close(writer)
        self.children[pid] = Child(service, slot, worker, pid, time.monotonic())
        self.selector.register(reader, selectors.EVENT_READ, lambda: self._heard(reader, pid))

    def _be(self, host: int, service: str, slot: int, worker: int, ready: int) -> None:
        """Become the service. Never returns."""
        self.selector.close()
        _begin_child()
        threading.Thread(target=_end_with, args=(host,), daemon=True).start()
        plan = self.plans[service]
        listening = plan.slots[slot]
        metrics_port = listening.metrics_port if worker == 0 else 0
        os.environ.update(plan.env, TRELLIS_PORT=str(listening.port), TRELLIS_METRICS_PORT=str(metrics_port))
        _end_child(lambda: _serve(service, lambda: os.write(ready, b"1")))

    def _heard(self, reader: int, pid: int) -> None:
        said = os.read(reader, 1)
        self.selector.unregister(reader)
        os.close(reader)
        child = self.children.get(pid)
        if not said or child is None:
            return
        child.state = "ready"
        if child.slot != self.slots[child.service] and all(c.state != "starting" for c in self._of(child.service)):
            self._after(SEEN_BY_THE_EDGE_S, lambda: self._switch(child.service, child.slot))

    def _switch(self, service: str, slot: int) -> None:
        """Let the new processes be the service, and the old ones drain."""
        if not any(child.slot == slot and child.state == "ready" for child in self._of(service)):
            return  # the new ones died meanwhile: the old ones go on
        self.slots[service] = slot
        for child in self._of(service):
            if child.slot != slot:
                self._drain(child)

    def _drain(self, child: Child, within_s: float = DRAIN_S) -> None:
        child.state = "draining"
        os.kill(child.pid, signal.SIGTERM)
        self._after(within_s, lambda: self._kill(child))

    def _kill(self, child: Child) -> None:
        if self.children.get(child.pid) is child:  # a reaped pid may be somebody else's by now
            os.kill(child.pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self.children:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if child := self.children.pop(pid, None):
                self._buried(child)

    def _buried(self, child: Child) -> None:
        """Replace a child that nobody asked to end."""
        if self.stopping or child.state == "draining" or child.slot != self.slots[child.service]:
            return
        self.restarts[child.service] += 1
        quick = time.monotonic() - child.born_s < STEADY_S
        self.quick_deaths[child.service] = self.quick_deaths[child.service] + 1 if quick else 0
        if child.state == "starting" and self.quick_deaths[child.service] > QUICK_DEATHS:
            self.hopeless = f"{child.service} died {self.quick_deaths[child.service]} times before it served; see its log"
            return self.stop()
        wait_s = min(BACKOFF_LIMIT_S, 0.1 * 2 ** self.quick_deaths[child.service]) * random.uniform(0.8, 1.2)  # noqa: S311
        self._after(wait_s, lambda: self._fork_again(child))

    def _fork_again(self, child: Child) -> None:
        if not self.stopping and child.slot == self.slots[child.service]:
            self._fork(child.service, child.slot, child.worker)

    def _after(self, wait_s: float, what: Callable[[], None]) -> None:
        self.due.append((time.monotonic() + wait_s, what))

    def _do_due(self) -> None:
        now_s = time.monotonic()
        ripe = [what for at_s, what in self.due if at_s <= now_s]
        self.due = [(at_s, what) for at_s, what in self.due if at_s > now_s]
        for what in ripe:
            what()

    def _patience_s(self) -> float:
        return max(0.0, min((at_s for at_s, _ in self.due), default=time.monotonic() + 1.0) - time.monotonic())

    def _listen(self) -> None:
        woken, waker = socket.socketpair()
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in STOP:
            signal.signal(number, self._told)
        self.selector.register(woken, selectors.EVENT_READ, lambda: woken.recv(4096))
        if not os.isatty(0):
            self.selector.register(0, selectors.EVENT_READ, self._obey)
        self._waker = waker

    def _told(self, *_: object) -> None:
        """A signal may come between a fork and its entry in the table: only the loop acts on it."""
        self.told_to_stop = True

    def _obey(self) -> None:
        said = os.read(0, 4096)  # lines are short and written whole; a buffered reader would hide the second from select
        if not said:
            self.selector.unregister(0)
            self.stop(ORPHAN_DRAIN_S)
        for line in said.decode().splitlines():
            verb, _, service = line.partition(" ")
            if verb == "restart":
                self.restart(service)

    def _write_table(self) -> None:
        rows = [
            {"name": c.service, "pid": c.pid, "state": c.state, "slot": "ab"[c.slot], "restarts": self.restarts[c.service]}
            for c in self.children.values()
        ]
        draft = self.table.with_suffix(".draft")
        draft.write_text(json.dumps(rows))
        os.replace(draft, self.table)

    _waker: Any = None


def _serve(service: str, ready: Callable[[], Any]) -> None:
    from services.chassis.service import run

    run(importlib.import_module(f"services.{service}.wiring").SERVICE, ready)


def _migrate(plans: dict[str, Plan]) -> None:
    """Bring every database up to date, side by side, each in a process of its own."""
    pids = [_forked(lambda name=name, plan=plan: _upgrade(name, plan)) for name, plan in plans.items()]  # type: ignore[misc]
    if any(os.waitpid(pid, 0)[1] for pid in pids):
        _give_up("a migration failed; its error is above")


def _upgrade(service: str, plan: Plan) -> None:
    from services.chassis.db.migrate import upgrade

    upgrade(service, plan.env["TRELLIS_DATABASE_URL"])


def _forked(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        _begin_child()
        _end_child(work)
    return pid


def _begin_child() -> None:
    signal.set_wakeup_fd(-1)
    for number in (*STOP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: drain when the parent is gone
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def _end_with(parent: int) -> None:
    """In a thread of the child: even one that hangs in its drain does not outlive its parent for long."""
    while os.getppid() == parent:
        time.sleep(1.0)
    time.sleep(ORPHAN_DRAIN_S)
    os._exit(1)


def _end_child(work: Callable[[], Any]) -> None:
    try:
        work()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)  # the parent's own exit handlers are not ours to run


def main() -> None:
    """Read the plan that TRELLIS_HOST_PLAN names and host it."""
    document = json.loads(Path(os.environ["TRELLIS_HOST_PLAN"]).read_text())
    plans = {
        name: Plan(entry["env"], (Slot(*entry["slots"][0]), Slot(*entry["slots"][1])))
        for name, entry in document["services"].items()
    }
    _warm_up(plans)
    if sys.stdin.readline() != "start\n":
        return  # the supervisor is gone, or changed its mind
    _migrate(plans)
    gc.collect()
    gc.freeze()  # the collector never writes to, so never copies, pages that are shared
    host = Host(plans, document["workers"], Path(document["table"]))
    host.run()
    if host.hopeless:
        _give_up(host.hopeless)


def _warm_up(services: Iterable[str]) -> None:
    """Import what the children will need; what cannot be imported now cannot be imported at the next start either."""
    try:
        for service in services:
            importlib.import_module(f"services.{service}.wiring")
    except ImportError as error:
        _give_up(f"{error}: the environment is not complete; run `make install`")


def _give_up(why: str) -> NoReturn:
    print(why, file=sys.stderr, flush=True)  # noqa: T201 - nobody has set up logs here
    raise SystemExit(HOPELESS)


if __name__ == "__main__":
    main()
