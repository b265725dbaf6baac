"""E-mail addresses as people are told apart by them."""

from __future__ import annotations

import unicodedata


def normalized_email(email: str) -> str:
    """Return the address as people are told apart by it: case makes no difference."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def domain_of(email: str) -> str:
    """Return the domain of a normalized address."""
    return email.rpartition("@")[2]
