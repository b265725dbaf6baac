"""A home's ports and secrets: stable, its own, private."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from cli.home import OPERATOR, SERVICES, Home, PortTaken, refuse_taken


def test_ports_stay_the_same_and_lie_below_what_the_kernel_hands_out(tmp_path: Path) -> None:
    first = Home(tmp_path / "home")
    first.save_ports(None)

    assert Home(tmp_path / "home").ports == first.ports
    assert max(first.ports.values()) < 32_768
    assert len(set(first.ports.values())) == len(first.ports)


def test_a_home_whose_ports_another_has_takes_the_next_and_keeps_them(tmp_path: Path) -> None:
    given = Home(tmp_path / "home").ports
    with socket.create_server(("127.0.0.1", given["user_b_metrics"])):
        first = Home(tmp_path / "home")
        first.save_ports(None)

    assert not set(first.ports.values()) & set(given.values())
    assert Home(tmp_path / "home").ports == first.ports


def test_a_chosen_base_is_remembered(tmp_path: Path) -> None:
    Home(tmp_path).save_ports(15_000)

    assert Home(tmp_path).ports["edge"] == 15_000


def test_a_taken_port_is_refused_by_name_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]

        with pytest.raises(PortTaken, match=rf"port {port} \(edge\) is taken by pid .*--port-base"):
            refuse_taken({"edge": port})


def test_secrets_are_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    first = Home(tmp_path).root_secret("auth")

    assert Home(tmp_path).root_secret("auth") == first
    assert len(bytes.fromhex(first)) == 32
    assert (tmp_path / "secrets" / "auth.root").stat().st_mode & 0o077 == 0
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_the_published_keys_hold_no_private_part(tmp_path: Path) -> None:
    keys = json.loads(Home(tmp_path).service_keys())["keys"]

    assert [key["kid"] for key in keys] == [*SERVICES, OPERATOR]
    assert all({"kty", "crv", "x", "y", "kid"} == set(key) for key in keys)
