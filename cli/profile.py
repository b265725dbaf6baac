"""Who the command line is signed in as: one file a profile under the home, readable by its owner alone.

The file holds a token set. An access token that is about to end is exchanged before it is used, under a lock, so that two
commands at once do not both spend the refresh token.
"""

from __future__ import annotations

import fcntl
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.commands.output import Failed
from cli.engines.secret import replace_private
from cli.home import Home

DEFAULT = "default"
_ENDS_SOON_S = 30.0

Refresh = Callable[[str, str], dict[str, Any]]
"""Takes a refresh token and a request id; returns the next token set."""


class NotSignedIn(Failed):
    """There is no profile of that name; the message says how to make one."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One identity of the command line."""

    path: Path

    def save(self, tokens: dict[str, Any]) -> None:
        """Keep a token set; a set without a refresh token keeps the one there is."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = self._read() if self.path.exists() else {}
        refresh = {"refresh_token": kept["refresh_token"]} if "refresh_token" in kept else {}
        replace_private(self.path, json.dumps({**refresh, **tokens}, indent=1))

    def tokens(self) -> dict[str, Any]:
        """Return the token set as it was kept. Raises NotSignedIn."""
        try:
            return self._read()
        except FileNotFoundError:
            raise NotSignedIn(
                f"nobody is signed in as {self.path.stem}; sign in with `trellis token issue --email ADDRESS`, or give a "
                f"token with TRELLIS_TOKEN."
            ) from None

    def fresh(self, refresh: Refresh, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> dict[str, Any]:
        """Return a token set that is good for a while yet. Raises NotSignedIn."""
        self.tokens()
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tokens = self.tokens()
            if (_time(tokens["expire_time"]) - now()).total_seconds() < _ENDS_SOON_S:
                self.save(refresh(tokens["refresh_token"], str(uuid.uuid4())))
            return self.tokens()

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found


def profile(here: Home, name: str) -> Profile:
    """Return the profile of a name. Raises Failed for a name that cannot be one."""
    if not re.fullmatch(r"[a-z0-9_-]{1,40}", name):
        raise Failed(f"{name!r} cannot name a profile: use up to 40 of a-z, 0-9, _ and -.")
    return Profile(here.path / "profiles" / f"{name}.json")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
