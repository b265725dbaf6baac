"""Golden tests: what each target makes of the fixture. `UPDATE_GOLDEN=1 pytest` writes them anew; read the diff."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compiler.targets import TARGETS
from tests.unit.compiler.fixture import contract

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_renders_the_fixture_as_recorded(target: str) -> None:
    for path, text in TARGETS[target](contract()).items():
        golden = GOLDEN / f"{Path(path).name}.golden"
        if os.environ.get("UPDATE_GOLDEN"):
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(text)
        assert text == golden.read_text()


def test_the_policies_are_python() -> None:
    namespace: dict[str, object] = {"__name__": "policies"}
    exec(TARGETS["python policies"](contract())["gen/python/trellis/policies.py"], namespace)
    policies = namespace["POLICIES"]
    assert isinstance(policies, dict)
    assert policies["/trellis.shop.v1.CartService/UpdateCart"].resources == ("cart.name",)
