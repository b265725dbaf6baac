"""How the other commands talk to a running supervisor: one JSON line there, one back, over a socket of the owner's alone."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cli.home import Home

_LONGEST_PATH = 100  # of a socket, in bytes; the kernel's limit is 107
_ANSWER_WITHIN_S = 60.0

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class NotRunning(Exception):
    """No supervisor answers for this home."""


def socket_path(home: Home) -> Path:
    """Return where the supervisor of a home listens; a deep home gets a short place under the temporary directory."""
    path = home.run / "control.sock"
    if len(str(path)) < _LONGEST_PATH:
        return path
    digest = hashlib.sha256(str(home.path).encode()).hexdigest()[:16]
    directory = Path(f"/tmp/trellis-{os.getuid()}")  # noqa: S108 -- private to the user, checked by its mode
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory / f"{digest}.sock"


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
    """Send one command and return the answer. Raises NotRunning."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_WITHIN_S)
        try:
            connection.connect(str(socket_path(home)))
            connection.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
            line = connection.makefile().readline()
        except OSError:
            raise NotRunning from None
    answer: dict[str, Any] = json.loads(line or "{}")
    return answer
