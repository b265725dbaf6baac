"""Tokens that travel as links in mails. Nothing is stored: a token is an id and a MAC over it (docs/decisions/0007).

Whether the id still stands for anything is said by the row of that id, not by the token.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass

from services.chassis.keys import Keyring


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads the tokens of one kind of link."""

    keyring: Keyring
    label: str
    """What the links are for; a token made under another label is none here."""
    prefix: str = ""
    """What the tokens begin with where the id does not say it."""

    def token(self, link_id: str) -> str:
        """Return the token of an id: always the same one."""
        return f"{self.prefix}{link_id}.{mac_text(self.keyring, self.label, link_id)}"

    def read(self, token: str) -> str | None:
        """Return the id a token is about, None if it was not made here."""
        link_id, _, mac = token.removeprefix(self.prefix).partition(".")
        known = token.startswith(self.prefix) and same_text(mac, mac_text(self.keyring, self.label, link_id))
        return link_id if known else None

    def text(self, url: str, link_id: str) -> str:
        """Return the link as mails show it, and below it the token alone for whoever has no web app to follow it to."""
        token = self.token(link_id)
        return f"{url}?token={token}\n\nToken:\n{token}\n"


def mac_text(keyring: Keyring, label: str, *parts: str) -> str:
    """Return a MAC over texts as 43 characters that a URL can hold."""
    digest = keyring.mac(label, *(part.encode() for part in parts))
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def same_text(given: str, right: str) -> bool:
    """Compare what somebody sent with what is right, in a time that says nothing."""
    return hmac.compare_digest(given.encode(), right.encode())
