"""Load: callers that call again as soon as they were answered, for a fixed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

CALLERS = 32
SECONDS = 2.5
WARM_UP_SECONDS = 0.5

Call = Callable[[], Awaitable[None]]


async def calls_per_s(call: Call, *, callers: int = CALLERS, seconds: float = SECONDS) -> float:
    """Return how many calls a second were answered, after a warm-up that does not count."""
    await _drive(call, callers, WARM_UP_SECONDS)
    began_s = time.perf_counter()
    answered = await _drive(call, callers, seconds)
    return answered / (time.perf_counter() - began_s)


async def _drive(call: Call, callers: int, seconds: float) -> int:
    end_s = time.perf_counter() + seconds

    async def caller() -> int:
        answered = 0
        while time.perf_counter() < end_s:
            await call()
            answered += 1
        return answered

    return sum(await asyncio.gather(*(caller() for _ in range(callers))))


class Http:
    """Keep-alive HTTP/1.1 connections that GET one path; as little client as possible, so that the servers are measured."""

    def __init__(self, port: int, path: str, credential: str) -> None:
        """`credential` is the header that says who calls."""
        self._port = port
        lines = (f"GET {path} HTTP/1.1", "host: localhost", credential, "", "")
        self._request = "\r\n".join(lines).encode()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self) -> None:
        """Raises RuntimeError for anything but 200."""
        if not self._idle:
            self._idle.append(await asyncio.open_connection("127.0.0.1", self._port))
        connection = reader, writer = self._idle.pop()
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:16]:
            raise RuntimeError(head.decode())
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        self._idle.append(connection)

    def close(self) -> None:
        """Close what is open."""
        for _, writer in self._idle:
            writer.close()
