"""Tokens of links in mails: an id and a MAC, made and read by the same keys under the same label."""

from __future__ import annotations

import pytest

from services.chassis.keys import Keyring
from services.chassis.links import Links

KEYRING = Keyring(bytes(32))
LINKS = Links(KEYRING, "invitation")
TOKEN = LINKS.token("inv_1")


def test_a_token_is_the_id_and_a_mac_and_always_the_same() -> None:
    link_id, _, mac = TOKEN.partition(".")

    assert (link_id, len(mac)) == ("inv_1", 43)
    assert LINKS.token("inv_1") == TOKEN


def test_a_token_gives_its_id_back() -> None:
    assert LINKS.read(TOKEN) == "inv_1"


def test_a_prefix_is_part_of_the_token_and_not_of_the_id() -> None:
    links = Links(KEYRING, "verification", "vrf_")

    assert links.token("sup_1").startswith("vrf_sup_1.")
    assert links.read(links.token("sup_1")) == "sup_1"
    assert links.read(links.token("sup_1").removeprefix("vrf_")) is None


@pytest.mark.parametrize(
    "forged",
    [
        "",
        ".",
        "inv_1",
        "inv_1.",
        TOKEN[:-1],
        f"{TOKEN}=",
        TOKEN.replace("inv_1", "inv_2"),
        TOKEN.upper(),
        f" {TOKEN}",
        "inv_1.é",
        Links(KEYRING, "verification").token("inv_1"),
        Links(Keyring(bytes(31) + b"1"), "invitation").token("inv_1"),
    ],
)
def test_nothing_else_is_read(forged: str) -> None:
    assert LINKS.read(forged) is None


def test_a_mail_shows_the_link_and_the_token_alone() -> None:
    assert LINKS.text("https://app.test/invitation", "inv_1") == (
        f"https://app.test/invitation?token={TOKEN}\n\nToken:\n{TOKEN}\n"
    )
