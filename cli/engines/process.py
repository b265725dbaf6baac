"""How a foreign program becomes a child of ours that cannot outlive us."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_POLL_S = 0.01


class EngineFailed(Exception):
    """An engine could not be prepared or did not become ready; the message says what would help."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user a program runs as when ours is root and the program refuses that."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Command:
    argv: list[str]
    env: dict[str, str] | None = None
    """None inherits ours."""
    account: Account | None = None
    pass_fds: tuple[int, ...] = ()
    takes_lines: bool = False
    """Whether it reads commands on its standard input."""
    death_signal: signal.Signals = signal.SIGTERM
    """What the kernel sends it when we are gone."""


class Engine(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def stop_signal(self) -> signal.Signals: ...
    @property
    def grace_s(self) -> float: ...
    def prepare(self) -> None:
        """Make what the program needs on disk. Idempotent; raises EngineFailed."""

    def command(self) -> Command: ...
    def ready(self, pid: int) -> bool:
        """Whether the process `pid` serves. Never blocks for longer than a third of a second."""

    def settle(self) -> None:
        """What to do once it is ready and before anything may lean on it."""


AnyEngine = TypeVar("AnyEngine", bound=Engine)


@dataclass(slots=True)
class _Tail:
    path: Path
    file: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self.path.open("ab")

    def text(self) -> str:
        return self.path.read_text(errors="replace")[-800:]


def package_directory(name: str) -> Path:
    """Where a wheel put its programs, without running its code."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EngineFailed(f"The package {name} is not installed: run `make install`.")
    return Path(spec.origin).parent


def spawn(command: Command, stdout: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start it in a session of its own. Call from the main thread: the death signal fires when the forking thread ends."""
    identity: dict[str, Any] = {}
    if command.account:
        identity = {"user": command.account.uid, "group": command.account.gid, "extra_groups": []}
    return subprocess.Popen(
        command.argv,
        env=command.env,
        stdin=subprocess.PIPE if command.takes_lines else subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C in the terminal must reach us alone: we know the order to stop in
        pass_fds=command.pass_fds,
        preexec_fn=die_with_parent(command.death_signal),
        **identity,
    )


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """For the child, after it changed its user: ask the kernel for `number` when the parent is gone."""
    parent = os.getpid()

    def ask() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died between fork and here
            os._exit(1)

    return ask


@contextlib.contextmanager
def running(engine: AnyEngine, *, timeout_s: float = 30) -> Iterator[AnyEngine]:
    """Prepare, start, wait until ready; stop at the end. For tests and benchmarks."""
    engine.prepare()
    log = _Tail(Path(f"/tmp/trellis-{os.getuid()}") / f"{engine.name}-{os.getpid()}.log")  # noqa: S108
    child = spawn(engine.command(), log.file)
    try:
        _await_ready(engine, child, log, timeout_s)
        engine.settle()
        yield engine
    finally:
        stop(child, engine.stop_signal, engine.grace_s)
        log.file.close()
        log.path.unlink(missing_ok=True)


def stop(child: subprocess.Popen[bytes], number: signal.Signals, grace_s: float) -> None:
    child.send_signal(number)
    try:
        child.wait(grace_s)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _await_ready(engine: Engine, child: subprocess.Popen[bytes], log: _Tail, timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not engine.ready(child.pid):
        if child.poll() is not None:
            raise EngineFailed(f"{engine.name} ended with {child.returncode}: {log.text()}")
        if time.monotonic() > end:
            raise EngineFailed(f"{engine.name} was not ready after {timeout_s:.0f} s: {log.text()}")
        time.sleep(_POLL_S)
