"""What may leave the machine in a report: no secret of the home, and nothing that looks like one or like a person.

Three nets, one behind the other: what the home holds is replaced wherever it stands; what has the shape of a token, key,
address or password goes; and of a service's log line only known fields stay, and of them only values of one word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cli.home import Home

HIDDEN = "[hidden]"
SAFE_FIELDS = frozenset(
    {
        *("timestamp", "level", "event", "service", "rpc", "code", "ms", "reason", "audit", "error", "trace_id", "span_id"),
        *("subscription", "event_id", "entry", "mode", "role", "address"),
    }
)
_SHORTEST = 6  # of a secret that is looked for: shorter ones would blot out everything
_SHAPES = [
    re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?"),  # a JWT, cut off or whole
    re.compile(r"\b(?:trr|vrf|trk|inv|whsec)_[A-Za-z0-9_.-]+"),  # tokens of our own
    re.compile(r"(?i)\b(?:bearer|basic)\s+\S+"),
    re.compile(r"(?<=://)[^/\s@]+@"),  # user and password of a URL
    re.compile(r"(?i)(?<=password[=:])\s*\S+|(?<=secret[=:])\s*\S+|(?<=token[=:])\s*\S+"),
    re.compile(r"\$argon2\w*\$\S+"),
    re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"),  # an address
    re.compile(r"\b(?=\w*[0-9])(?=\w*[A-Za-z])[A-Fa-f0-9]{33,}\b"),  # longer than a trace id
    re.compile(r"(?<![\w/-])[A-Za-z0-9+/_-]{40,}={0,2}(?![\w/-])"),
    re.compile(r"(?<==\()[^)]*(?=\))"),  # PostgreSQL's DETAIL: Key (email)=(…)
    re.compile(r"'(?:[^']|'')*'"),  # literals of SQL
    re.compile(r"(?<![\d.])(?!127\.0\.0\.1\b)(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"),  # somebody's address
]
_WHOLE_ROWS = re.compile(r"(?i)\b(?:DETAIL|STATEMENT|CONTEXT|PARAMETERS):.*")


class Redactor:
    """Takes out of texts what must not leave."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1])}
        self._secrets = sorted((form for form in forms if len(form) >= _SHORTEST), key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return a text without secrets and without what looks like one."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for shape in _SHAPES:
            text = shape.sub(HIDDEN, text)
        return text

    def line(self, line: str) -> str:
        """Return a log line: of JSON the fields that are known to be harmless, of other text what is left of it."""
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            return self.text(_WHOLE_ROWS.sub(HIDDEN, line))
        kept = {key: self._value(value) for key, value in entry.items() if key in SAFE_FIELDS}
        kept |= {"exception": _places(entry["exception"])} if isinstance(entry.get("exception"), list) else {}
        left_out = sorted(set(entry) - set(kept))
        return json.dumps({**kept, **({"left_out": left_out} if left_out else {})}, ensure_ascii=False)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value) if len(value.split()) == 1 else HIDDEN
        return value if isinstance(value, int | float | bool) or value is None else HIDDEN


def _places(stacks: list[Any]) -> list[str]:
    """Return what was raised where; what the exception said may quote anything."""
    return [
        f"{stack.get('exc_type')} at {Path(str(frame.get('filename'))).name}:{frame.get('lineno')} {frame.get('name')}"
        for stack in stacks
        if isinstance(stack, dict)
        for frame in stack.get("frames", [])
    ]


def secrets_of(here: Home) -> set[str]:
    """Return every secret that the home holds: its files, and the private parts within them."""
    found: set[str] = set()
    for directory in ("secrets", "profiles"):
        for path in (here.path / directory).glob("*"):
            if path.is_file():
                found |= _within(path)
    return found


def _within(path: Path) -> set[str]:
    text = path.read_text(errors="replace").strip()
    try:
        return {text, *_strings(json.loads(text))}
    except ValueError:
        return {text, *(line.partition(" ")[2] for line in text.splitlines() if line.startswith("requirepass "))}


def _strings(value: Any) -> set[str]:
    """Return the values that are secret in a key or a token set."""
    private = {"d", "k", "p", "q", "dp", "dq", "qi", "access_token", "refresh_token"}
    return {str(item) for key, item in value.items() if key in private} if isinstance(value, dict) else set()
