"""What the reader finds in the fixture."""

from __future__ import annotations

import re

import pytest

from compiler.http_template import compile_template
from compiler.model import Bucket, GuessLimit, HttpBinding, Policy, RateLimit, Resource, Variable
from tests.unit.compiler.fixture import contract


def test_an_rpc_is_read_with_its_policy_and_binding() -> None:
    update = next(rpc for rpc in contract().rpcs if rpc.name == "UpdateCart")
    assert update.path == "/trellis.shop.v1.CartService/UpdateCart"
    assert update.process == "shop"
    assert (update.place.file, update.place.comment.partition("\n")[0]) == (
        "trellis/shop/v1/shop.proto",
        "Changes a cart.",
    )
    assert not update.no_side_effects
    assert update.bindings == (
        HttpBinding(
            verb="PATCH",
            template="/v1/{cart.name=organizations/*/carts/*}",
            body="cart",
            regex="/v1/(?P<g0>organizations/[^/]+/carts/[^/]+)",
            variables=(Variable("cart.name", "g0"),),
            response_body="",
        ),
    )
    assert update.policy == Policy(
        access="public",
        permission="",
        permission_for_others="",
        granted_to=(),
        callers=(),
        timeout_s=0.5,
        repeatable="by_request_id",
        rate_limit=RateLimit("address", 5, 10, 60.0),
        slo_latency_ms=250,
        slo_success=0.99,
        audited=True,
        reasons=("CART_NOT_FOUND",),
        guesses=GuessLimit(("CART_NOT_FOUND",), "request_id", Bucket(7, 9, 60.0), None, Bucket(8, 8, 60.0), consecutive=100),
    )


def test_a_resource_is_read_with_its_fields() -> None:
    cart = contract().messages["trellis.shop.v1.Cart"]
    assert cart.resource == Resource("trellis.dev/Cart", ("organizations/{organization}/carts/{cart}",), "cart", "carts")
    email, items = cart.field("email"), cart.field("items")
    assert email
    assert (email.type, email.data_class, email.behaviors) == ("string", "PERSONAL", ("OPTIONAL",))
    assert items
    assert items.rules == {"repeated.max_items": 10, "repeated.items.string.max_len": 20}
    assert items.value_rules == {"string.max_len": 20}


def test_reasons_are_known_by_their_owner() -> None:
    shop = contract()
    assert list(shop.reasons("shop")) == ["CART_NOT_FOUND"]
    assert shop.reasons("common")["TOKEN_INVALID"].code == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("template", "path", "groups"),
    [
        ("/v1/users:batchGet", "/v1/users:batchGet", {}),
        ("/v1/{name=users/*}", "/v1/users/a", {"g0": "users/a"}),
        ("/v1/{name=users/*}:revoke", "/v1/users/a:revoke", {"g0": "users/a"}),
        ("/v1/{id}/x/{rest=**}", "/v1/a/x/b/c", {"g0": "a", "g1": "b/c"}),
        ("/v1/{name=users/*}", "/v1/users/a/b", None),
        ("/.well-known/x", "/.well-known/x", {}),
        ("/.well-known/x", "/_well-known/x", None),
    ],
)
def test_a_template_matches_exactly_its_paths(template: str, path: str, groups: dict[str, str] | None) -> None:
    regex, _ = compile_template(template)
    match = re.fullmatch(regex, path)
    assert (match and match.groupdict()) == groups
