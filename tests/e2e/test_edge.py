"""Every trap of the edge, against the running platform."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

import pytest

from cli.home import ROOT
from tests.e2e.client import Person
from tests.e2e.platform import Platform


def _verify() -> ModuleType:
    spec = importlib.util.spec_from_file_location("edge_verify", ROOT / "gateway-envoy/verify.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["edge_verify"] = module
    spec.loader.exec_module(module)
    return module


verify = _verify()


@pytest.mark.parametrize("case", verify.CASES, ids=lambda case: case.name)
def test_no_trap_is_open(case: Any, platform: Platform, ada: Person) -> None:
    assert verify.check(platform.rest, case, ada.token) == []


def test_no_forged_token_is_taken(platform: Platform, ada: Person) -> None:
    for case in verify.forgeries(ada.token):
        assert (case.name, verify.check(platform.rest, case, ada.token)) == (case.name, [])


def test_a_query_never_lends_the_permission_of_ones_own_organization(ada: Person, eve: Person) -> None:
    answer = ada.rest.get(f"/v1/{eve.organization}/memberships?parent={ada.organization}")
    assert answer.verdict == (400, "REQUEST_INVALID")


def test_a_query_never_reaches_into_another_organization(ada: Person, eve: Person) -> None:
    answer = ada.rest.get(f"/v1/{ada.organization}/memberships?parent={eve.organization}")
    assert answer.verdict == (403, "PERMISSION_DENIED")
