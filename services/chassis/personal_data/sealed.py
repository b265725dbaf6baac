"""Encrypts a document for one operation, so that the bus carries nothing that anybody else can read (RFC 7516, ECDH-ES)."""

from __future__ import annotations

import json

from joserfc import jwe
from joserfc.jwk import ECKey

_HEADER = {"alg": "ECDH-ES", "enc": "A256GCM"}
_ALGORITHMS = [*_HEADER.values()]


def seal(public_jwk: str, document: bytes) -> str:
    """Return the document as a compact JWE to a public key."""
    return jwe.encrypt_compact(_HEADER, document, ECKey.import_key(json.loads(public_jwk)), algorithms=_ALGORITHMS)


def open_sealed(private: ECKey, sealed: str) -> bytes:
    """Return what was sealed. Raises JoseError."""
    document = jwe.decrypt_compact(sealed, private, algorithms=_ALGORITHMS).plaintext
    if document is None:
        raise ValueError("the document is empty")
    return document


def public_jwk(private: ECKey) -> str:
    """Return the public half, as it travels with a question."""
    return json.dumps(private.as_dict(private=False), separators=(",", ":"))
