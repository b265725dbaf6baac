"""What a token says about itself, and whether the platform that issued it would accept it. No token leaves this process."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cli.commands.output import Failed

JWKS_WITHIN_S = 2.0
TIMES = {"iat": "issued", "nbf": "good from", "exp": "good until"}
_OPAQUE = {"trr_": "refresh token", "vrf_": "link of a verification mail"}
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))

GOOD, WRONG, UNKNOWN = "good", "wrong", "unknown"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What can be said about a token."""

    kind: str
    header: dict[str, Any]
    claims: dict[str, Any]
    signature: str
    """`good`, `wrong` or `unknown`."""
    why: str
    """What the verdict on the signature rests on."""


def inspect(token: str, keys: Callable[[], bytes]) -> Inspection:
    """Return what a token says. Raises Failed for what is no token; the message does not repeat it."""
    for prefix, kind in _OPAQUE.items():
        if token.startswith(prefix):
            subject = token.removeprefix(prefix).partition(".")[0]
            return Inspection(kind, {}, {"about": subject}, UNKNOWN, "only auth can check its MAC")
    try:
        header, claims = (_object(segment) for segment in token.split(".")[:2])
        encrypted = token.count(".") != 2
    except (ValueError, TypeError):
        encrypted = True
    if encrypted:
        raise Failed("this is no token: neither a JWT of three parts nor one that begins with trr_ or vrf_.")
    return Inspection(str(header.get("typ", "JWT")), header, claims, *_verdict(token, header, keys))


def described(found: Inspection, now_s: float) -> dict[str, Any]:
    """Return an inspection as it is printed, with the times also in words."""
    times = {word: in_words(found.claims[name] - now_s) for name, word in TIMES.items() if _is_time(found.claims.get(name))}
    verdict = {"signature": found.signature, "because": found.why}
    return {"kind": found.kind, "header": found.header, "claims": found.claims, "times": times, "verdict": verdict}


def in_words(distance_s: float) -> str:
    """Return how far away something is, to two units: `in 4 minutes 12 seconds`, `2 days ago`."""
    left = abs(round(distance_s))
    words: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count and len(words) < 2:
            words.append(f"{count} {unit}{'s' * (count != 1)}")
    if not words:
        return "now"
    return f"in {' '.join(words)}" if distance_s > 0 else f"{' '.join(words)} ago"


def published_keys(base: str) -> bytes:
    """Return the key set of the platform whose REST door is at `base`. Raises OSError if it is not reachable."""
    with urllib.request.urlopen(f"{base}/.well-known/jwks.json", timeout=JWKS_WITHIN_S) as answer:  # noqa: S310 -- our edge
        found: bytes = answer.read()
    return found


def _verdict(token: str, header: dict[str, Any], keys: Callable[[], bytes]) -> tuple[str, str]:
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    from services.chassis.tokens import ALGORITHM

    if header.get("alg") != ALGORITHM:
        return WRONG, f"the platform signs with {ALGORITHM}, not {header.get('alg')}"
    try:
        known = {key["kid"]: key for key in json.loads(keys())["keys"]}
    except (OSError, ValueError, KeyError):
        return UNKNOWN, "no key set can be reached; is the platform up?"
    if header.get("kid") not in known:
        return WRONG, f"no published key is called {header.get('kid')}"
    try:
        jws.deserialize_compact(token, ECKey.import_key(known[header["kid"]]), algorithms=[ALGORITHM])
    except (JoseError, ValueError):
        return WRONG, f"key {header['kid']} did not sign this"
    return GOOD, f"key {header['kid']} of this platform signed it"


def _object(segment: str) -> dict[str, Any]:
    read = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    if not isinstance(read, dict):
        raise ValueError("no object")
    return read


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
