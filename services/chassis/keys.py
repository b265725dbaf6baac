"""Every key of a service, derived from its one root secret under a label of its own (HKDF, RFC 5869)."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class SealBroken(Exception):
    """What was to be opened was altered, or sealed with another key or for another context."""


class Keyring:
    """Authenticates and encrypts under labels; what one label made, no other label accepts."""

    def __init__(self, root_secret: bytes, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._root, self._entropy = root_secret, entropy
        self._mac_keys: dict[str, bytes] = {}
        self._ciphers: dict[str, AESGCM] = {}

    def mac(self, label: str, *parts: bytes) -> bytes:
        """Return an HMAC-SHA256 over the parts, each with its length before it."""
        key = self._mac_keys.get(label) or self._mac_keys.setdefault(label, self._derive(f"mac:{label}"))
        framed = b"".join(len(part).to_bytes(4) + part for part in parts)
        return hmac.digest(key, framed, "sha256")

    def seal(self, label: str, plaintext: bytes, context: bytes = b"") -> bytes:
        """Encrypt and authenticate (AES-256-GCM); `context` must be the same when it is opened."""
        nonce = self._entropy(_NONCE_BYTES)
        return nonce + self._cipher(label).encrypt(nonce, plaintext, context)

    def open(self, label: str, sealed: bytes, context: bytes = b"") -> bytes:
        """Return what was sealed. Raises SealBroken."""
        try:
            return self._cipher(label).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise SealBroken(label) from None

    def _cipher(self, label: str) -> AESGCM:
        return self._ciphers.get(label) or self._ciphers.setdefault(label, AESGCM(self._derive(f"seal:{label}")))

    def _derive(self, info: str) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info.encode()).derive(self._root)
