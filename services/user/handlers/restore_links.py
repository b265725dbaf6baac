"""The links that bring an account back. None is stored: each carries a MAC that only user can make.

rst_<expiry>.<mac>     bound to the account and to its version: whatever happens to the account uses it up
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import timedelta

from services.chassis.keys import Keyring
from services.user.domain import RestoreLinkInvalid, User
from services.user.ports import Now

PREFIX = "rst_"


@dataclass(frozen=True, slots=True)
class RestoreLinks:
    """Makes the tokens of links and checks them."""

    keyring: Keyring
    now: Now
    lifetime: timedelta
    web_url: str

    def token(self, user: User) -> str:
        """Return the token that brings the account back as it is now."""
        expiry_s = int((self.now() + self.lifetime).timestamp())
        return f"{PREFIX}{expiry_s}.{self._mac(user.name, user.version, expiry_s)}"

    def check(self, user: User, token: str) -> None:
        """Raises RestoreLinkInvalid unless the token is of this account as it is now."""
        digits, _, mac = token.removeprefix(PREFIX).partition(".")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 13):
            raise RestoreLinkInvalid
        right = self._mac(user.name, user.version, int(digits))
        if not hmac.compare_digest(mac.encode(), right.encode()) or self.now().timestamp() >= int(digits):
            raise RestoreLinkInvalid

    def url(self, user: User) -> str:
        """Return the address of the page that brings the account back."""
        return f"{self.web_url}/restore?user={user.name.removeprefix('users/')}&token={self.token(user)}"

    def _mac(self, name: str, version: int, expiry_s: int) -> str:
        parts = (name, str(version), str(expiry_s))
        digest = self.keyring.mac("restore-link", *(part.encode() for part in parts))
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
