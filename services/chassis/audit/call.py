"""One audited call: what is told of it, and whose log it belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

OK = "OK"
MAX_RESOURCES = 10  # of the request; the answer may add one
MAX_NAME = 240
_NAME = re.compile(
    r"[a-z][A-Za-z]{0,39}/[a-z0-9_-]{1,60}(/(domains/[a-z0-9.-]{1,100}|[a-z][A-Za-z]{0,39}(/[a-z0-9_-]{1,60})?))*"
)
_ORGANIZATION = re.compile(r"organizations/[a-z0-9_-]{1,60}(?=/|$)")


@dataclass(frozen=True, slots=True)
class AuditedCall:
    """One audited call, allowed or refused. It tells nothing of what was said but names of resources."""

    id: str
    time: datetime
    """When it ended."""
    organization: str
    """Whose log it belongs to."""
    service: str
    rpc: str
    """`trellis.user.v1.TeamService/CreateTeam`."""
    actor: str
    api_key: str
    """The key that the caller used; empty: a session."""
    resources: tuple[str, ...]
    code: str
    """`OK`, or the code of the refusal."""
    reason: str
    request_id: str
    trace_id: str
    address_prefix: str
    """The network it came from; empty if the edge did not say."""
    call_count: int = 1
    """How many calls this stands for."""


Tell = Callable[[str, str, str], AuditedCall | None]
"""Takes the code, the reason and the name of the answered resource. None: no organization's log has a place for it."""


@dataclass(slots=True)
class RunningCall:
    """An audited call under way, for its unit of work."""

    tell: Tell
    recorded: bool = False
    """Whether it was told with an effect that committed. The first that answers counts."""

    def allowed(self, answer: Any) -> AuditedCall | None:
        """Return what to tell of a call that is answered with a message, unless it was told before."""
        return None if self.recorded else self.tell(OK, "", _name_of(answer))

    def refused(self, code: str, reason: str) -> AuditedCall | None:
        """Return what to tell of a call that is refused, unless it had an effect before."""
        return None if self.recorded else self.tell(code, reason, "")


current: ContextVar[RunningCall | None] = ContextVar("audit", default=None)
"""The audited call under way, if it is one."""


def resource_names(names: Iterable[str], actor: str) -> tuple[str, ...]:
    """Return the resource names among texts that nobody has validated yet, each once, with the actor for `users/me`.

    Whatever does not look like one is left out: it might be anything, also somebody's address or secret.
    """
    found = dict.fromkeys(_resolved(name, actor) for name in names if len(name) <= MAX_NAME and _NAME.fullmatch(name))
    return tuple(found)[:MAX_RESOURCES]


def organization_of(names: Iterable[str]) -> str:
    """Return the first organization that resource names lie in, or nothing."""
    return next((match[0] for match in map(_ORGANIZATION.match, names) if match), "")


def _resolved(name: str, actor: str) -> str:
    me, slash, rest = name.partition("users/me")
    return f"{actor}{rest}" if slash and not me and actor.startswith("users/") and rest[:1] in ("", "/") else name


def _name_of(answer: Any) -> str:
    name = getattr(answer, "name", "")
    return name if isinstance(name, str) else ""
