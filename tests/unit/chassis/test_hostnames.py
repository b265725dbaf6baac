"""Names of domains: one spelling for each, and which belong to many."""

from __future__ import annotations

import pytest

from services.chassis.hostnames import normalized_hostname, registrable

NAMES = {
    "example.com": "example.com",
    "EXAMPLE.Com": "example.com",
    " example.com. ": "example.com",
    "bücher.example": "xn--bcher-kva.example",
    "BÜCHER.example": "xn--bcher-kva.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "faß.de": "xn--fa-hia.de",
    "例え。テスト": "xn--r8jz45g.xn--zckzah",
    f"{'a' * 63}.com": f"{'a' * 63}.com",
}
NO_NAMES = [
    "",
    ".",
    "com",
    "localhost",
    "a..com",
    "-a.com",
    "a-.com",
    "a_b.com",
    "a b.com",
    "a/b.com",
    "a@b.com",
    "a:53.com",
    "*.com",
    "127.0.0.1",
    "xn--a.com",
    "a\0b.com",
    f"{'a' * 64}.com",
    ".".join(["a" * 60] * 4),
    "☃.🦄\u202e.com",
]


@pytest.mark.parametrize("text", NAMES)
def test_a_name_has_one_spelling(text: str) -> None:
    found = normalized_hostname(text)

    assert found == NAMES[text]
    assert normalized_hostname(found or "") == found


@pytest.mark.parametrize("text", NO_NAMES)
def test_nothing_else_is_a_name(text: str) -> None:
    assert normalized_hostname(text) is None


@pytest.mark.parametrize("suffix", ["com", "co.uk", "github.io", "xn--p1ai", "nowhere"])
def test_a_public_suffix_is_nobodys(suffix: str) -> None:
    assert registrable(suffix) is None


@pytest.mark.parametrize(
    ("name", "owned"),
    [
        ("example.com", "example.com"),
        ("mail.example.co.uk", "example.co.uk"),
        ("ada.github.io", "ada.github.io"),
        ("acme.nowhere", "acme.nowhere"),
    ],
)
def test_what_is_below_one_was_registered_by_somebody(name: str, owned: str) -> None:
    assert registrable(name) == owned
