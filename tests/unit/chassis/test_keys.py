"""Keys: what one label made, nobody else reads or makes."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.keys import Keyring, SealBroken

KEYRING = Keyring(bytes(range(32)))


@given(st.binary(), st.binary())
def test_what_was_sealed_opens_again(plaintext: bytes, context: bytes) -> None:
    assert KEYRING.open("page", KEYRING.seal("page", plaintext, context), context) == plaintext


@given(st.binary(min_size=1, max_size=40), st.data())
def test_no_bit_can_be_changed(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(KEYRING.seal("page", plaintext))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(SealBroken):
        KEYRING.open("page", bytes(sealed))


@pytest.mark.parametrize(
    ("keyring", "label", "context"),
    [(Keyring(bytes(32)), "page", b"a"), (KEYRING, "answer", b"a"), (KEYRING, "page", b"b"), (KEYRING, "page", b"")],
)
def test_another_root_label_or_context_opens_nothing(keyring: Keyring, label: str, context: bytes) -> None:
    sealed = KEYRING.seal("page", b"secret", b"a")

    with pytest.raises(SealBroken):
        keyring.open(label, sealed, context)


@given(st.binary(max_size=60))
def test_no_text_at_all_opens(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        KEYRING.open("page", sealed)


def test_the_same_is_never_sealed_the_same() -> None:
    assert KEYRING.seal("page", b"secret") != KEYRING.seal("page", b"secret")


def test_the_nonce_comes_from_the_entropy_it_was_given() -> None:
    keyring = Keyring(bytes(32), entropy=lambda size: b"n" * size)

    assert keyring.seal("page", b"secret").startswith(b"n" * 12)


def test_a_mac_is_hmac_sha256_under_a_key_by_hkdf() -> None:
    extracted = hmac.digest(bytes(32), bytes(range(32)), hashlib.sha256)
    key = hmac.digest(extracted, b"mac:link\x01", hashlib.sha256)

    assert KEYRING.mac("link", b"ab") == hmac.digest(key, b"\0\0\0\2ab", hashlib.sha256)


def test_a_mac_tells_parts_and_labels_apart() -> None:
    macs = {KEYRING.mac("link", b"ab", b"c"), KEYRING.mac("link", b"a", b"bc"), KEYRING.mac("link", b"abc")}

    assert len(macs | {KEYRING.mac("page", b"ab", b"c")}) == 4


def test_a_signing_key_is_the_same_after_a_restart_and_another_for_another_label_or_secret() -> None:
    key = KEYRING.ec_key("certificates", "ES256").as_dict(private=True)

    assert Keyring(bytes(range(32))).ec_key("certificates", "ES256").as_dict(private=True) == key
    assert KEYRING.ec_key("other", "ES256").as_dict()["x"] != key["x"]
    assert Keyring(bytes(32)).ec_key("certificates", "ES256").as_dict()["x"] != key["x"]


def test_a_key_says_what_it_is_for_and_is_known_by_its_thumbprint() -> None:
    signing, encrypting = KEYRING.ec_key("a", "ES256"), KEYRING.ec_key("a", "ECDH-ES")

    assert [(key.as_dict()["use"], key.as_dict()["alg"]) for key in (signing, encrypting)] == [
        ("sig", "ES256"),
        ("enc", "ECDH-ES"),
    ]
    assert signing.kid == signing.thumbprint()
