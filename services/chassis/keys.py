"""Every key of a service, derived from its one root secret under a label of its own (HKDF, RFC 5869)."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey

_NONCE_BYTES = 12
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


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

    def ec_key(self, label: str, algorithm: str) -> ECKey:
        """Return a P-256 key for `ES256` or `ECDH-ES`, always the same under one root secret.

        Its id is its thumbprint (RFC 7638).
        """
        scalar = int.from_bytes(self._derive(f"ec:{label}", 48)) % (_P256_ORDER - 1) + 1  # 128 bits more: no bias
        private = derive_private_key(scalar, SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        use = "sig" if algorithm == "ES256" else "enc"
        return ECKey.import_key(pem, {"kid": ECKey.import_key(pem).thumbprint(), "use": use, "alg": algorithm})

    def _cipher(self, label: str) -> AESGCM:
        return self._ciphers.get(label) or self._ciphers.setdefault(label, AESGCM(self._derive(f"seal:{label}")))

    def _derive(self, info: str, length: int = 32) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=info.encode()).derive(self._root)
