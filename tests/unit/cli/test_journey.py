"""The demo's table of steps, and how a step becomes a REST call."""

from __future__ import annotations

import pytest

from cli import contract
from cli.journey import STEPS, RestCall, Step, rest_of, shortened, strangers

ORGANIZATION = "organizations/org_1"


def test_a_field_of_the_path_leaves_the_body() -> None:
    call = rest_of("MembershipService.CreateMembership", {"parent": ORGANIZATION, "membership": {"user": "users/usr_1"}})

    assert call == RestCall("POST", f"/v1/{ORGANIZATION}/memberships", {"user": "users/usr_1"})


def test_what_is_neither_path_nor_body_goes_into_the_query() -> None:
    name = f"{ORGANIZATION}/memberships/usr_1"
    request = {"membership": {"name": name, "role": "ROLE_ADMIN"}, "update_mask": "role"}

    call = rest_of("MembershipService.UpdateMembership", request)

    assert call == RestCall("PATCH", f"/v1/{name}?update_mask=role", {"role": "ROLE_ADMIN"})


def test_a_get_has_no_body() -> None:
    assert rest_of("UserService.GetUser", {"name": "users/me"}) == RestCall("GET", "/v1/users/me", None)


def test_tokens_are_cut_and_names_are_not() -> None:
    token, name = "t" * 41, f"{ORGANIZATION}/memberships/usr_01m891kfb7xtb223acfq70jy26"

    assert shortened({"token": token, "names": [name]}) == {"token": "t" * 14 + "…", "names": [name]}


def test_two_walks_never_meet_the_same_people() -> None:
    assert strangers()["ada_email"] != strangers()["ada_email"]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.method)
def test_every_step_calls_an_rpc_with_fields_of_its_request(step: Step) -> None:
    found = contract.method(step.method)

    assert set(step.request) <= set(found.input_type.fields_by_name)
    assert set(step.learns.values()) <= set(found.output_type.fields_by_name)
