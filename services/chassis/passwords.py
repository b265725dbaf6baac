"""Passwords: hashed by argon2id, in a few threads with a short queue, and looked up among those that were breached.

A flood of guesses costs the guessers, not the service.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from services.chassis.errors import ResourceExhausted

T = TypeVar("T")
NICE = 10
PREFIX_BYTES = 5  # of a SHA-1; one password in thirty million is taken for a breached one that is not


class Argon2Passwords:
    """Hashes with OWASP's parameters: 19 MiB, two passes, one lane."""

    def __init__(self, *, threads: int, queue: int) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2", initializer=_give_way)
        self._limit, self._waiting = threads + queue, 0
        self._decoy = self._hasher.hash("a password nobody has")

    async def hash(self, password: str) -> str:
        return await self._slowly(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Compare. Without a hash, a decoy is compared, so that nobody can tell by the time."""
        matched = await self._slowly(lambda: self._matches(password_hash or self._decoy, password))
        return matched and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    async def aclose(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _slowly(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._limit:
            raise ResourceExhausted("Too many passwords are being checked; try again.", retry_after_s=1.0)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _give_way() -> None:
    """Let everybody else's calls come first on a busy machine: on Linux each thread has a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


class BreachedPasswords:
    """A set of passwords as sorted prefixes of their SHA-1: small, quick to ask, and not a list to read."""

    def __init__(self, path: Path) -> None:
        self._prefixes = path.read_bytes()

    def __contains__(self, password: object) -> bool:
        wanted = digest_prefix(str(password))
        place = bisect_left(range(len(self)), wanted, key=self._at)
        return place < len(self) and self._at(place) == wanted

    def __len__(self) -> int:
        return len(self._prefixes) // PREFIX_BYTES

    def _at(self, place: int) -> bytes:
        return self._prefixes[place * PREFIX_BYTES : (place + 1) * PREFIX_BYTES]


def digest_prefix(password: str) -> bytes:
    """Return what a password is found by. No secret depends on it."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).digest()[:PREFIX_BYTES]


def packed(passwords: Iterable[str]) -> bytes:
    """Return the file that BreachedPasswords reads, of passwords in whatever case."""
    return b"".join(sorted({digest_prefix(password.casefold()) for password in passwords}))
