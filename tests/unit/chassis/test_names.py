"""Resource names: taken apart and put together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import InvalidArgument
from services.chassis.names import pattern

MEMBERSHIP = pattern("organizations/{organization}/memberships/{membership}")
NAME = "organizations/org_1/memberships/usr_2"
IDS = {"organization": "org_1", "membership": "usr_2"}


def test_a_name_is_its_ids() -> None:
    assert MEMBERSHIP.parse(NAME) == IDS
    assert MEMBERSHIP.format(**IDS) == NAME


def test_a_pattern_is_compiled_once() -> None:
    assert pattern("users/{user}") is pattern("users/{user}")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "organizations/org_1",
        "organizations/org_1/memberships/",
        "organizations//memberships/usr_2",
        "organizations/a/b/memberships/usr_2",
        "organizations/../memberships/usr_2",
        "organizations/org_1/memberships/usr_2/",
        "organizations/org_1/memberships/usr_2\n",
        "/organizations/org_1/memberships/usr_2",
        "organizations/org 1/memberships/usr_2",
        "organizations/org_1/memberships/-",
        "Organizations/org_1/memberships/usr_2",
    ],
)
def test_another_name_is_refused_with_the_field_that_holds_it(name: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        MEMBERSHIP.parse(name, "membership.name")

    [violation] = refusal.value.fields
    assert violation.field == "membership.name"
    assert violation.description == "must look like organizations/{organization}/memberships/{membership}."


def test_dots_of_a_pattern_are_dots() -> None:
    with pytest.raises(InvalidArgument):
        pattern("a.b/{c}").parse("aXb/c")


_IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~-]*", fullmatch=True)


@given(_IDS, _IDS)
def test_what_is_put_together_comes_apart_again(organization: str, membership: str) -> None:
    ids = {"organization": organization, "membership": membership}

    assert MEMBERSHIP.parse(MEMBERSHIP.format(**ids)) == ids
