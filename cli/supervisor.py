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

from cli.engines.process import Engine, EngineFailed, die_with_parent

READY_WITHIN_S = 60.0
STEADY_S = 30.0
QUICK_DEATHS = 5
BACKOFF_LIMIT_S = 5.0
_POLL_S = 0.02
_LONGEST_LINE = 1 << 20


@dataclass(slots=True)
class Process:
    """One program under supervision."""

    engine: Engine
    after: tuple[str, ...] = ()
    state: str = "waiting"
    restarts: int = 0
    child: asyncio.subprocess.Process | None = None
    up: asyncio.Event = field(default_factory=asyncio.Event)
    down: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return self.engine.name


Log = Callable[[str, str], None]
"""Takes the name of a process and one line of what it said."""


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
        for name in process.after:
            await self.processes[name].up.wait()
        deaths = 0
        while not self.stopping.is_set():
            born_s = time.monotonic()
            try:
                code = await self._live(process)
            except (EngineFailed, OSError) as error:
                return self._give_up(f"{process.name}: {error}")
            if self.stopping.is_set():
                return None
            deaths = 1 if time.monotonic() - born_s > STEADY_S else deaths + 1
            if deaths > QUICK_DEATHS:
                return self._give_up(f"{process.name} ended {deaths} times in a row (exit {code}); its log says why")
            self._log(process.name, f"ended with {code}; starting it again")
            process.restarts += 1
            await asyncio.sleep(min(BACKOFF_LIMIT_S, 0.05 * 2**deaths) * random.uniform(0.8, 1.2))  # noqa: S311

    async def _live(self, process: Process) -> int:
        """Start a process, see it ready, follow it to its end and return its exit code."""
        process.state = "starting"
        await asyncio.to_thread(process.engine.prepare)
        child = process.child = await _spawn(process.engine)
        gate = asyncio.create_task(self._gate(process, child))
        try:
            await self._follow(process, child)
            return await child.wait()
        finally:
            gate.cancel()
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
            self._log(process.name, line.decode(errors="replace").rstrip())

    async def _gate(self, process: Process, child: asyncio.subprocess.Process) -> None:
        """Let what leans on the process start once it is ready; end it if it takes too long."""
        end_s = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < end_s:
            if await asyncio.to_thread(process.engine.ready, child.pid):
                await asyncio.to_thread(process.engine.settle)
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
