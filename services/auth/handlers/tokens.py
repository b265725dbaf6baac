"""The tokens auth hands out. None is stored: each carries a MAC that only auth can make.

vrf_<sign-up>.<mac>                  the link of a verification mail; used up by the sign-up's row
trr_<session>.<generation>.<mac>     a refresh token; its session's row says which generation is the newest
rst_<user>.<expiry>.<mac>            the link of a reset mail; dies with the password that it was made to replace
JWT (RFC 9068)                       an access token, of a session or in exchange for an API key
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import (
    UTC,
    datetime,
    timedelta,
)
from typing import Any

from joserfc.jwk import ECKey

from services.auth.domain import (
    Account,
    ApiKey,
    Permitted,
    RefreshTokenInvalid,
    Session,
    SignUp,
    TokenSet,
    VerificationInvalid,
)
from services.auth.handlers.keys import KeyHandlers
from services.auth.ports import NewId, Now
from services.chassis.keys import Keyring
from services.chassis.links import Links, mac_text, same_text
from services.chassis.principal import Principal
from services.chassis.tokens import ACCESS, sign

VERIFICATION, REFRESH, RESET = "vrf_", "trr_", "rst_"
USER = "users/"
CLIENT = "trellis"  # the platform's own first-party client
FOREVER = datetime.max.replace(tzinfo=UTC)


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
        return self.verifications.token(sign_up.id)

    def read_verification(self, token: str) -> str:
        """Return the sign-up a token is about. Raises VerificationInvalid."""
        sign_up = self.verifications.read(token)
        if sign_up is None:
            raise VerificationInvalid
        return sign_up

    @property
    def verifications(self) -> Links:
        """The links of verification mails."""
        return Links(self.keyring, "verification", VERIFICATION)

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
        if not same_text(mac, self._mac("refresh", name, digits)):
            raise RefreshTokenInvalid
        return name, int(digits)

    async def signing_key(self) -> ECKey:
        """Return the key to issue with. Ask before a transaction: where it is read, that takes a connection of its own."""
        return await self.keys.signing_key()

    def reset(self, account: Account, expire_time: datetime) -> str:
        """Return the token of a reset mail: good until then, and while the account has the password it has now."""
        digits = str(int(expire_time.timestamp()))
        return f"{RESET}{account.user.removeprefix(USER)}.{digits}.{self._reset_mac(account, digits)}"

    def reset_user(self, token: str) -> str:
        """Return whose password a token claims to reset; nothing is proved by it."""
        return USER + token.removeprefix(RESET).partition(".")[0]

    def resets(self, token: str, account: Account) -> bool:
        """Whether a token resets the password that the account has now."""
        user, _, rest = token.removeprefix(RESET).partition(".")
        digits, _, mac = rest.partition(".")
        timely = digits.isascii() and digits.isdigit() and len(digits) < 12 and self.now().timestamp() < int(digits)
        right = same_text(mac, self._reset_mac(account, digits))
        return token.startswith(RESET) and USER + user == account.user and timely and right

    def _reset_mac(self, account: Account, digits: str) -> str:
        return self._mac("reset", account.user, digits, str(account.password_version))

    def issue(self, key: ECKey, session: Session, permitted: Permitted, *, at: datetime, refresh: bool = True) -> TokenSet:
        """Return a token set that names the session's organization with what is permitted there, which was true after `at`.

        What is revoked between `at` and now ends the token: it may have been made of what was true before.
        """
        claims = self._claims(session.user, session.organization, permitted, at)
        claims |= {"session": session.name, "auth_time": int(session.create_time.timestamp())}
        access_token = sign(key, ACCESS, claims)
        return TokenSet(
            access_token=access_token,
            expire_time=datetime.fromtimestamp(claims["exp"], UTC),
            refresh_token=self.refresh(session) if refresh else "",
            session=session.name,
            user=session.user,
            organization=session.organization,
            permissions=permitted.permissions,
        )

    def for_api_key(self, signing_key: ECKey, key: ApiKey, permitted: Permitted, *, at: datetime) -> tuple[str, Principal]:
        """Return the access token that a key is exchanged for, and whom it names; what is permitted was true after `at`."""
        claims = self._claims(key.subject, key.organization, permitted, at) | {"api_key": key.name}
        principal = Principal(
            key.subject,
            key.organization,
            frozenset(permitted.permissions),
            expires_at_s=float(claims["exp"]),
            issued_at_s=claims["iat_ms"] / 1000,
            api_key=key.name,
        )
        return sign(signing_key, ACCESS, claims), principal

    def _claims(self, subject: str, organization: str, permitted: Permitted, at: datetime) -> dict[str, Any]:
        """Return what every access token says (RFC 9068 §2.2)."""
        second = at.replace(microsecond=0)
        expire_time = min(second + self.lifetime, permitted.until.replace(microsecond=0) if permitted.until else FOREVER)
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "client_id": CLIENT,
            "organization": organization,
            "permissions": permitted.permissions,
            "iat": int(second.timestamp()),
            "iat_ms": int(second.timestamp()) * 1000 + at.microsecond // 1000,
            "exp": int(expire_time.timestamp()),
            "jti": self.new_id("tok"),
        }
        return claims | ({"grants": permitted.grants} if permitted.grants else {})

    def _mac(self, label: str, *parts: str) -> str:
        return mac_text(self.keyring, label, *parts)


def _path(session: str) -> str:
    """`users/usr_1/sessions/ses_1` → `usr_1-ses_1`."""
    _, user, _, session_id = session.split("/")
    return f"{user}-{session_id}"


def _name(path: str) -> str:
    user, _, session_id = path.partition("-")
    return f"users/{user}/sessions/{session_id}"
