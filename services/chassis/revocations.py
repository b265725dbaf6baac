"""Which access tokens are refused before they expire.

Events that end tokens say so in the contract (`EventPolicy.revokes`). With them goes an entry of a stream that every process
of every service follows (`bus/broadcast.py`); each asks its own memory about each call. What cannot be learned because the
stream is away ends with the token: minutes later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

from google.protobuf import descriptor_pool, message_factory

from services.chassis.bus.bus import Event
from services.chassis.clock import Clock
from services.chassis.principal import Principal
from services.chassis.tokens import LEEWAY_S, LONGEST_LIFETIME_S
from trellis.policies import REVOCATIONS, Revokes

KEPT_S = LONGEST_LIFETIME_S + 2 * LEEWAY_S
"""When the last token that was issued before a revocation has expired, whatever the clocks say."""
CRITERIA = ("subject", "organization", "session", "api_key", "except_session")


@dataclass(frozen=True, slots=True)
class Revocation:
    """Tokens that match everything said here, and are not newer than `time_s`, are over."""

    time_s: float
    subject: str = ""
    organization: str = ""
    session: str = ""
    api_key: str = ""
    except_session: str | None = None
    """Spares this session's tokens and those of no session; None spares nobody."""

    @property
    def key(self) -> str:
        """The narrowest thing it names: what it is found by. Names of different things differ."""
        return self.session or self.api_key or self.subject or self.organization

    def hits(self, principal: Principal) -> bool:
        """Whether the caller's token is over. One issued in the very millisecond is: it may have been before."""
        return (
            principal.issued_at_s <= self.time_s
            and self.session in ("", principal.session)
            and self.api_key in ("", principal.api_key)
            and self.subject in ("", principal.subject)
            and self.organization in ("", principal.organization)
            and (self.except_session is None or principal.session not in ("", self.except_session))
        )


class Revocations:
    """The revocations of the last minutes. A lookup that finds nothing costs less than a microsecond."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._found: dict[str, dict[Revocation, Revocation]] = {}
        self._added: deque[tuple[float, Revocation]] = deque()
        self._listeners: list[Callable[[Revocation], None]] = []

    def listen(self, listener: Callable[[Revocation], None]) -> None:
        """Have `listener` called with every revocation: what a process remembers of a subject may be over, too."""
        self._listeners.append(listener)

    def add(self, revocation: Revocation) -> None:
        """Refuse these tokens from now on. Of several that differ in time alone, the newest counts."""
        if not revocation.key:
            return
        for listener in self._listeners:
            listener(revocation)
        now_s = self._clock().timestamp()
        self._forget(now_s - KEPT_S)
        pattern = replace(revocation, time_s=0.0)
        alike = self._found.setdefault(revocation.key, {})
        if pattern not in alike or alike[pattern].time_s < revocation.time_s:
            alike[pattern] = revocation
            self._added.append((now_s, revocation))

    def revoked(self, principal: Principal) -> bool:
        """Whether the caller's token is over before its time."""
        found = self._found
        for name in (principal.session, principal.subject, principal.organization, principal.api_key):
            if name in found and any(revocation.hits(principal) for revocation in found[name].values()):
                return True
        return False

    def _forget(self, before_s: float) -> None:
        while self._added and self._added[0][0] < before_s:
            _, revocation = self._added.popleft()
            alike, pattern = self._found.get(revocation.key, {}), replace(revocation, time_s=0.0)
            if alike.get(pattern) == revocation:
                del alike[pattern]
                if not alike:
                    del self._found[revocation.key]


def revocation_of(event: Event) -> Revocation | None:
    """Return whose tokens an event of this process's own contract ends, if any."""
    revokes = REVOCATIONS.get(event.topic)
    if revokes is None:
        return None
    message = _message(revokes).FromString(event.data)
    named = {criterion: getattr(revokes, criterion) for criterion in CRITERIA}
    values = {criterion: getattr(message, field) for criterion, field in named.items() if field}
    if not all(value for criterion, value in values.items() if criterion != "except_session"):
        return None  # it would end the tokens of more than it is about
    time = getattr(message, revokes.time).ToDatetime(UTC) if revokes.time else event.time
    return Revocation(time.timestamp(), **values)


def _message(revokes: Revokes) -> Any:
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(revokes.message))
