"""The tokens auth hands out. None is stored: each carries a MAC that only auth can make.

vrf_<sign-up>.<mac>                  the link of a verification mail; used up by the sign-up's row
trr_<session>.<generation>.<mac>     a refresh token; its session's row says which generation is the newest
JWT (RFC 9068)                       an access token, of a session or in exchange for an API key
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.auth.domain import ApiKey, RefreshTokenInvalid, Session, SignUp, TokenSet, VerificationInvalid
from services.auth.handlers.keys import KeyHandlers
from services.auth.ports import NewId, Now
from services.chassis.keys import Keyring
from services.chassis.principal import Principal
from services.chassis.tokens import ACCESS, sign

VERIFICATION, REFRESH = "vrf_", "trr_"
CLIENT = "trellis"  # the platform's own first-party client


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads tokens."""

    keyring: Keyring
    keys: KeyHandlers
    now: Now
    new_id: NewId
    issuer: str
    audience: str
    lifetime: timedelta

    def verification(self, sign_up: SignUp) -> str:
        """Return the token of a verification mail."""
        return f"{VERIFICATION}{sign_up.id}.{self._mac('verification', sign_up.id)}"

    def read_verification(self, token: str) -> str:
        """Return the sign-up a token is about. Raises VerificationInvalid."""
        sign_up, _, mac = token.removeprefix(VERIFICATION).partition(".")
        if not (token.startswith(VERIFICATION) and _same(mac, self._mac("verification", sign_up))):
            raise VerificationInvalid
        return sign_up

    def refresh(self, session: Session) -> str:
        """Return the session's newest refresh token: always the same one until it is rotated."""
        digits = str(session.generation)
        return f"{REFRESH}{_path(session.name)}.{digits}.{self._mac('refresh', session.name, digits)}"

    def read_refresh(self, token: str) -> tuple[str, int]:
        """Return session and generation of a refresh token. Raises RefreshTokenInvalid."""
        path, _, rest = token.removeprefix(REFRESH).partition(".")
        digits, _, mac = rest.partition(".")
        if not (token.startswith(REFRESH) and digits.isascii() and digits.isdigit() and len(digits) < 10):
            raise RefreshTokenInvalid
        name = _name(path)
        if not _same(mac, self._mac("refresh", name, digits)):
            raise RefreshTokenInvalid
        return name, int(digits)

    async def issue(self, session: Session, permissions: Sequence[str], *, refresh: bool = True) -> TokenSet:
        """Return a token set that names the session's organization with these permissions."""
        now = self.now().replace(microsecond=0)
        expire_time = now + self.lifetime
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": session.user,
            "client_id": CLIENT,
            "session": session.name,
            "organization": session.organization,
            "permissions": list(permissions),
            "iat": int(now.timestamp()),
            "exp": int(expire_time.timestamp()),
            "jti": self.new_id("tok"),
        }
        access_token = sign(await self.keys.signing_key(), ACCESS, claims)
        return TokenSet(
            access_token=access_token,
            expire_time=expire_time,
            refresh_token=self.refresh(session) if refresh else "",
            session=session.name,
            user=session.user,
            organization=session.organization,
            permissions=tuple(permissions),
        )

    async def for_api_key(self, key: ApiKey, permissions: Sequence[str], *, at: datetime) -> tuple[str, Principal]:
        """Return the access token that a key is exchanged for, whose permissions were true after `at`, and whom it names."""
        second = at.replace(microsecond=0)
        end_s = int((second + self.lifetime).timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": key.subject,
            "client_id": CLIENT,
            "api_key": key.name,
            "organization": key.organization,
            "permissions": list(permissions),
            "iat": int(second.timestamp()),
            "iat_ms": int(second.timestamp()) * 1000 + at.microsecond // 1000,
            "exp": end_s,
            "jti": self.new_id("tok"),
        }
        token = sign(await self.keys.signing_key(), ACCESS, claims)
        principal = Principal(
            key.subject, key.organization, frozenset(permissions), expires_at_s=float(end_s), api_key=key.name
        )
        return token, principal

    def _mac(self, label: str, *parts: str) -> str:
        digest = self.keyring.mac(label, *(part.encode() for part in parts))
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _path(session: str) -> str:
    """`users/usr_1/sessions/ses_1` → `usr_1-ses_1`."""
    _, user, _, session_id = session.split("/")
    return f"{user}-{session_id}"


def _name(path: str) -> str:
    user, _, session_id = path.partition("-")
    return f"users/{user}/sessions/{session_id}"
