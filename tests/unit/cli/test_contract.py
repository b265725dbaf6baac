"""How the command line finds RPCs and messages by what people type."""

from __future__ import annotations

import pytest

from cli import contract


@pytest.mark.parametrize(
    "typed", ["UserService.GetUser", "userservice.getuser", "trellis.user.v1.UserService/GetUser", "GetUser"]
)
def test_an_rpc_is_found_by_every_way_of_writing_it(typed: str) -> None:
    assert contract.method(typed).full_name == "trellis.user.v1.UserService.GetUser"


def test_an_unknown_rpc_names_what_is_near() -> None:
    with pytest.raises(contract.Unknown, match=r"did you mean UserService\.GetUser"):
        contract.method("UserService.GetUsr")


def test_an_unknown_message_names_what_is_near() -> None:
    with pytest.raises(contract.Unknown, match="Organization"):
        contract.message("Organisation")
