"""How the other commands talk to a running supervisor: one JSON line there, one back, over a socket of the owner's alone."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import select
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from cli.home import Home

_LONGEST_PATH = 100  # of a socket, in bytes; the kernel's limit is 107
_ANSWER_WITHIN_S = 120.0  # longer than every service takes to be replaced, one after another
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class NotRunning(Exception):
    """No supervisor answers for this home."""


class NotPrivate(Exception):
    """Others could reach the socket; the message says what helps."""


class NoAnswer(Exception):
    """The supervisor runs, but did not answer in time."""


def socket_path(home: Home) -> Path:
    """Return where the supervisor of a home listens; a deep home gets a short place under the temporary directory."""
    path = home.run / "control.sock"
    if len(os.fsencode(path)) < _LONGEST_PATH:
        return path
    digest = hashlib.sha256(str(home.path).encode()).hexdigest()[:16]
    return _private(Path(f"/tmp/trellis-{os.getuid()}")) / f"{digest}.sock"  # noqa: S108 -- checked to be the user's own


def _private(directory: Path) -> Path:
    """Make a directory for the user alone. Raises NotPrivate if somebody else was there first."""
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise NotPrivate(
            f"{directory} is not a directory of yours; remove it, or choose a TRELLIS_HOME with a shorter path."
        )
    directory.chmod(0o700)
    return directory


@contextlib.asynccontextmanager
async def listening(home: Home, answer: Answer) -> Any:
    """Answer commands while the block runs."""
    path = socket_path(home)
    path.unlink(missing_ok=True)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            request = json.loads(await reader.readline() or b"{}")
            writer.write(json.dumps(await answer(request)).encode() + b"\n")
            await writer.drain()

    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(serve, path)
    finally:
        os.umask(mask)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


def ask(home: Home, do: str, **arguments: str) -> dict[str, Any]:
    """Send one command and return the answer. Raises NotRunning or NoAnswer."""
    with _connected(home) as connection:
        return _answered(connection, {"do": do, **arguments})


def end(home: Home, *, within_s: float) -> bool:
    """Tell the supervisor to stop; whether its process has ended in time. Raises NotRunning or NoAnswer.

    Its socket and its lock go a moment before it does, so the process itself is waited for.
    """
    with _connected(home) as connection:
        try:
            process = os.pidfd_open(_peer(connection))
        except ProcessLookupError:
            raise NotRunning from None
        try:
            _answered(connection, {"do": "down"})
            return bool(select.select([process], [], [], within_s)[0])
        finally:
            os.close(process)


@contextlib.contextmanager
def _connected(home: Home) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_WITHIN_S)
        try:
            connection.connect(str(socket_path(home)))
        except OSError:
            raise NotRunning from None
        yield connection


def _answered(connection: socket.socket, request: dict[str, str]) -> dict[str, Any]:
    try:
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile() as answers:
            line = answers.readline()
    except TimeoutError:
        raise NoAnswer(f"the supervisor did not answer in {_ANSWER_WITHIN_S:.0f} s; see `trellis logs`.") from None
    except OSError:
        raise NotRunning from None
    answer: dict[str, Any] = json.loads(line or "{}")
    return answer


def _peer(connection: socket.socket) -> int:
    """Return the pid of who listens at the other end, as the kernel knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid: int = _CREDENTIALS.unpack(credentials)[0]
    return pid
