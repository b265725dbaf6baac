"""Identifiers as a parameter: prefixed, ordered by time, unguessable.

`usr_` + 26 characters of Crockford's base 32 in lower case: 48 bits of milliseconds and 80 random bits, as in a ULID
(github.com/ulid/spec). Within a millisecond one process counts up, so its ids never go backwards.
"""

from __future__ import annotations

from collections.abc import Callable

from services.chassis.clock import Clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80
_LENGTH = 26


class IdGenerator:
    """Makes ids from a clock and a source of random bytes."""

    def __init__(self, now: Clock, entropy: Callable[[int], bytes]) -> None:
        self._now, self._entropy = now, entropy
        self._last = 0

    def new(self, prefix: str) -> str:
        """Return a new id, for example `usr_01kqv3…`."""
        milliseconds = int(self._now().timestamp() * 1000)
        fresh = milliseconds << _RANDOM_BITS | int.from_bytes(self._entropy(_RANDOM_BITS // 8))
        if fresh >> _RANDOM_BITS <= self._last >> _RANDOM_BITS:
            fresh = self._last + 1
        self._last = fresh
        return f"{prefix}_{_encoded(fresh)}"


def _encoded(value: int) -> str:
    return "".join(_ALPHABET[value >> 5 * place & 31] for place in reversed(range(_LENGTH)))
