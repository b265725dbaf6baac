"""Every RPC serves its right caller. What the other files refuse or repeat begins with these requests."""

from __future__ import annotations

import pytest

from tests.generated.contract import Rpc, rpcs
from tests.generated.requests import RecipeMissing, Requests
from trellis.policies import POLICIES


@pytest.mark.parametrize("rpc", rpcs().values(), ids=str)
def test_a_valid_request_of_the_right_caller_is_served(rpc: Rpc, requests: Requests) -> None:
    """Fails where the builder does not know how to make a valid request, and says which line of `recipes.py` is missing."""
    scope = requests.fresh_scope(rpc) if rpc.mutates else requests.world.ada
    try:
        answer = requests.served(rpc, scope)
    except RecipeMissing as missing:
        pytest.fail(str(missing))
    assert answer.ok, f"{rpc} refuses what should be valid: {answer.words}; see FIELDS in tests/generated/recipes.py"


def test_the_descriptors_and_the_policies_know_the_same_rpcs() -> None:
    assert {rpc.path for rpc in rpcs().values()} == set(POLICIES)
