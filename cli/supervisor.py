"""Keeps the platform running: starts by health, restarts with back-off, stops in order, and leaves nothing behind.

Everything it starts asks the kernel to be told when it dies, so that even `kill -9` of the supervisor ends the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from cli.engines.process import Engine, EngineFailed, die_with_parent

READY_WITHIN_S = 60.0
STEADY_S = 30.0
QUICK_DEATHS = 5
BACKOFF_LIMIT_S = 5.0
HOPELESS = 78  # EX_CONFIG: what ended with it says that another start would end the same way
_POLL_S = 0.02
_LAST_WORDS_S = 1.0
_LONGEST_LINE = 1 << 20


Waits = Literal["to be started", "for a line"]
"""What waits for those it leans on: its start, or only its work, which then begins with the line `start`."""


@dataclass(slots=True)
class Process:
    """One program under supervision."""

    engine: Engine
    after: tuple[str, ...] = ()
    """What it leans on: they are up before it starts, and it has stopped before they stop."""
    waits: Waits = "to be started"
    state: str = "waiting"
    restarts: int = 0
    child: asyncio.subprocess.Process | None = None
    last_line: str = ""
    up: asyncio.Event = field(default_factory=asyncio.Event)
    down: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return self.engine.name


Log = Callable[[str, str], None]
"""Takes the name of a process and one line of what it said."""


@dataclass(frozen=True, slots=True)
class _End:
    how: str
    hopeless: bool


class Supervisor:
    """Runs processes, each after those it leans on."""

    def __init__(self, processes: list[Process], log: Log) -> None:
        self.processes = {process.name: process for process in processes}
        self.stopping = asyncio.Event()
        self.failure = ""
        self._log = log

    async def run(self) -> str:
        """Run until told to stop; return why it failed, or nothing."""
        tasks = [asyncio.create_task(self._keep(process)) for process in self.processes.values()]
        await self.stopping.wait()
        await asyncio.gather(*(self._stop(process) for process in self.processes.values()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return self.failure

    async def all_up(self) -> bool:
        """Wait until everything is ready, or until it is over."""
        over = asyncio.create_task(self.stopping.wait())
        everything = asyncio.create_task(self._everything())
        await asyncio.wait({everything, over}, return_when=asyncio.FIRST_COMPLETED)
        everything.cancel()
        over.cancel()
        return not self.stopping.is_set()

    async def _everything(self) -> None:
        for process in self.processes.values():
            await process.up.wait()

    def tell(self, name: str, line: str) -> None:
        """Write one line to the standard input of a process that takes lines."""
        child = self.processes[name].child
        if child is not None and child.stdin is not None:
            child.stdin.write(f"{line}\n".encode())

    async def restart(self, name: str) -> None:
        """End a process; it comes back by itself."""
        if child := self.processes[name].child:
            child.send_signal(self.processes[name].engine.stop_signal)

    async def _keep(self, process: Process) -> None:
        if process.waits == "to be started":
            await self._leant_on(process)
        deaths = 0
        while not self.stopping.is_set():
            born_s = time.monotonic()
            end = await self._life(process)
            if self.stopping.is_set():
                return None
            deaths = 1 if time.monotonic() - born_s > STEADY_S else deaths + 1
            if deaths > QUICK_DEATHS or end.hopeless:
                return self._give_up(f"{process.name} {end.how}" + f", {deaths} times in a row" * (deaths > 1))
            self._log(process.name, f"{end.how}; starting it again")
            process.restarts += 1
            await asyncio.sleep(min(BACKOFF_LIMIT_S, 0.05 * 2**deaths) * random.uniform(0.8, 1.2))  # noqa: S311

    async def _leant_on(self, process: Process) -> None:
        for name in process.after:
            await self.processes[name].up.wait()

    async def _life(self, process: Process) -> _End:
        try:
            code = await self._live(process)
        except (EngineFailed, OSError) as error:
            return _End(f"could not be started: {error}", hopeless=False)
        said = f" ({process.last_line})" if process.last_line else ""
        return _End(f"ended with {code}{said}", hopeless=code == HOPELESS)

    async def _live(self, process: Process) -> int:
        """Start a process, see it ready, follow it to its end and return its exit code."""
        process.state, process.last_line = "starting", ""
        await asyncio.to_thread(process.engine.prepare)
        child = process.child = await _spawn(process.engine)
        gate = asyncio.create_task(self._gate(process, child))
        follow = asyncio.create_task(self._follow(process, child))
        try:
            await _exited(child.pid)
            _end_orphans(child)  # they hold its ports, and its output open
            await asyncio.wait([follow], timeout=_LAST_WORDS_S)
            return await child.wait()
        finally:
            gate.cancel()
            follow.cancel()
            process.child = None
            process.state = "stopped" if self.stopping.is_set() else "restarting"
            process.up.clear()

    async def _follow(self, process: Process, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        while True:
            try:
                line = await child.stdout.readline()
            except ValueError:  # longer than anybody reads
                continue
            if not line:
                return
            process.last_line = line.decode(errors="replace").rstrip()
            self._log(process.name, process.last_line)

    async def _gate(self, process: Process, child: asyncio.subprocess.Process) -> None:
        """Let what leans on the process start once it is ready; end it if it takes too long."""
        if process.waits == "for a line":
            await self._leant_on(process)
            self.tell(process.name, "start")
        end_s = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < end_s:
            if await asyncio.to_thread(_ready, process.engine, child.pid):
                process.state = "ready"
                return process.up.set()
            await asyncio.sleep(_POLL_S)
        self._log(process.name, f"was not ready after {READY_WITHIN_S:.0f} s")
        child.terminate()

    async def _stop(self, process: Process) -> None:
        """Stop a process once everything that leans on it has stopped."""
        leaners = [other for other in self.processes.values() if process.name in other.after]
        await asyncio.gather(*(other.down.wait() for other in leaners))
        if (child := process.child) is not None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(process.engine.stop_signal)
            await _ended(child, process.engine.grace_s)
        process.down.set()

    def _give_up(self, why: str) -> None:
        self.failure = why
        self.stopping.set()


async def _spawn(engine: Engine) -> asyncio.subprocess.Process:
    command = engine.command()
    who = {"user": command.account.uid, "group": command.account.gid, "extra_groups": []} if command.account else {}
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *command.argv,
        env=command.env,
        cwd="/" if command.account else None,
        stdin=pipe if command.takes_lines else null,
        stdout=pipe,
        stderr=asyncio.subprocess.STDOUT,
        limit=_LONGEST_LINE,
        start_new_session=True,  # Ctrl-C reaches the supervisor alone: it knows the order to stop in
        preexec_fn=die_with_parent(command.death_signal),
        **who,  # type: ignore[arg-type]
    )


async def _ended(child: asyncio.subprocess.Process, grace_s: float) -> None:
    try:
        await asyncio.wait_for(child.wait(), grace_s)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()


async def _exited(pid: int) -> None:
    """Wait for the process alone: asyncio's own `wait` may also wait until nobody holds its output open."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return  # gone and buried
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _end_orphans(child: asyncio.subprocess.Process) -> None:
    """Kill what an ended process left behind in its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _ready(engine: Engine, pid: int) -> bool:
    """Whether it serves and what must follow is done; a failure of the latter is tried again until time is up."""
    try:
        if not engine.ready(pid):
            return False
        engine.settle()
    except EngineFailed:
        return False
    return True
