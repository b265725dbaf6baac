"""Each rule of the contract linter, broken once."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler import buf, reader, vendored
from compiler.lint import RULES, findings
from tests.unit.compiler.fixture import PROTO, contract

LIST_REFERENCE = '(google.api.resource_reference).child_type = "trellis.dev/Cart",'
GET_PATTERN = '(buf.validate.field).string.pattern = "^organizations/[a-z]{1,9}/carts/[a-z]{1,9}$",'
CART_RESOURCE = (PROTO / "trellis/shop/v1/shop.proto").read_text().partition("message Cart {")[2].partition("};")[0] + "};"
BROKEN = [
    ("policy-access", "signed_in: true", "signed_in: false"),
    ("policy-timeout", "timeout: {nanos: 500000000}", "timeout: {seconds: 60}"),
    ("policy-slo", "slo: {latency_ms: 250 success: 0.99}", "slo: {latency_ms: 250 success: 1}"),
    ("policy-slo", "slo: {latency_ms: 250 success: 0.99}", "slo: {latency_ms: 900 success: 0.99}"),
    ("policy-repeatable", "repeatable: REPEATABLE_BY_REQUEST_ID", ""),
    ("policy-repeatable", "REPEATABLE_BY_REQUEST_ID", "REPEATABLE_ALWAYS"),
    ("policy-permission", "granted_to: [PREDEFINED_ROLE_OWNER]", ""),
    ("policy-permission", '"carts.get"', '"GetCart"'),
    ("policy-permission", "[PREDEFINED_ROLE_OWNER]", "[PREDEFINED_ROLE_OWNER, PREDEFINED_ROLE_OWNER]"),
    ("policy-permission", 'permission: "carts.get"', 'permission: "carts.get" permission_for_others: "carts.check"'),
    ("policy-permission", "signed_in: true", 'signed_in: true permission_for_others: "carts.check"'),
    ("policy-api-keys", 'permission: "carts.get"', 'permission: "carts.get" api_keys: true'),
    ("policy-callers", '["till"]', "[]"),
    ("policy-callers", '["till"]', '["shop"]'),
    ("policy-rate-limit", "rate_limit: {key: KEY_ADDRESS burst: 5 refill: 10 per: {seconds: 60}}", ""),
    ("policy-rate-limit", "burst: 5", "burst: 0"),
    ("policy-guesses", 'reasons: ["CART_NOT_FOUND"]\n        field', "field"),
    ("policy-guesses", 'reasons: ["CART_NOT_FOUND"]\n        field', 'reasons: ["CART_LOST"]\n        field'),
    ("policy-guesses", 'field: "request_id"', 'field: "email"'),
    ("policy-guesses", 'field: "request_id"', 'field: "cart"'),
    ("policy-guesses", 'field: "request_id"', ""),
    ("policy-guesses", "burst: 7", "burst: 0"),
    ("policy-guesses", "by_address: {burst: 7 refill: 9 per: {seconds: 60}}", ""),
    ("http-exposure", 'option (google.api.http) = {get: "/v1/{parent=organizations/*}/carts"};', ""),
    ("http-exposure", "signed_in: true", 'internal: {callers: ["till"]}'),
    ("http-binding", "{parent=organizations/*}", "{owner=organizations/*}"),
    ("http-binding", "{patch:", "{put:"),
    ("http-binding", 'body: "cart"', 'body: "cart" response_body: "items"'),
    ("http-unique", "/v1/{parent=organizations/*}/carts", "/v1/{parent=organizations/*}/carts/{filter}"),
    ("request-of-its-own", "CountCarts(CountCartsRequest)", "CountCarts(GetCartRequest)"),
    ("mutation-fields", "string request_id", "string request_key"),
    ("mutation-fields", "(buf.validate.field).string.uuid = true", "(buf.validate.field).string.max_len = 36"),
    ("mutation-fields", "bool validate_only", "bool dry_run"),
    ("list-fields", "string page_token", "string cursor"),
    ("list-fields", "string next_page_token", "string next"),
    ("update-fields", "update_mask", "mask"),
    ("update-fields", "string etag", "string version"),
    ("string-bounded", ", (buf.validate.field).string.max_len = 64", ""),
    ("string-bounded", "(buf.validate.field).repeated.items.string.max_len = 20", "deprecated = false"),
    ("repeated-bounded", "(buf.validate.field).repeated.max_items = 10,", ""),
    ("field-behavior", "int32 page_size = 2 [(google.api.field_behavior) = OPTIONAL];", "int32 page_size = 2;"),
    ("time-suffix", "create_time", "created_at"),
    ("enum-zero", "ERROR_REASON_UNSPECIFIED", "ERROR_REASON_NONE"),
    ("resource", 'type: "trellis.dev/Cart"', 'type: "shop.dev/Cart"'),
    ("resource", 'plural: "carts"', ""),
    ("resource", '"organizations/{organization}/carts/{cart}"', '"carts"'),
    ("resource", "IDENTIFIER", "OPTIONAL"),
    ("resource-unannotated", CART_RESOURCE, ""),
    ("resource-reference", LIST_REFERENCE, ""),
    ("resource-reference", 'child_type = "trellis.dev/Cart"', 'child_type = "trellis.dev/Basket"'),
    ("resource-pattern", GET_PATTERN, ""),
    ("event", '"shop.v1.cart_updated"', '"carts"'),
    ("event", 'key: "cart"', 'key: "basket"'),
    ("event-revokes", 'subject: "cart"', 'subject: "basket"'),
    ("event-revokes", 'subject: "cart"', 'except_session: "cart"'),
    ("event-revokes", 'time: "update_time"', 'time: "cart"'),
    ("event-revokes", 'subject: "cart"', 'subject: "update_time"'),
    ("data-class", "(trellis.policy.v1.data_class) = DATA_CLASS_PERSONAL,", ""),
    ("data-class", "string page_token = 3", "string access_token = 3"),
    ("event-secret", "string cart = 1 [", "string cart = 1 [(trellis.policy.v1.data_class) = DATA_CLASS_SECRET, "),
    (
        "secret-in-url",
        "string filter = 4 [",
        "string filter = 4 [(trellis.policy.v1.data_class) = DATA_CLASS_PERSONAL, ",
    ),
    ("reason-declared", 'reasons: ["CART_NOT_FOUND"]', 'reasons: ["CART_LOST"]'),
    ("reason-used", 'reasons: ["CART_NOT_FOUND"]', ""),
    ("reason-documented", "// Returns NOT_FOUND (CART_NOT_FOUND).", "//"),
    ("reason-documented", "// Returns NOT_FOUND (CART", "// Returns ABORTED (CART"),
    ("reason-documented", "(CART_NOT_FOUND).", "(CART_NOT_FOUND, ETAG_MISMATCH)."),
    ("reason-form", 'code: "NOT_FOUND"', 'code: "MISSING"'),
    ("reason-form", "does not exist.", "does not exist"),
    ("reason-form", 'advice: "List the carts and use a name from there."', ""),
    ("reason-form", 'value: "carts/a"', 'value: "carts/b"'),
    ("reason-form", 'key: "cart" value', 'key: "Cart" value'),
    ("reason-unambiguous", "CART_NOT_FOUND", "TOKEN_INVALID"),
]


def test_the_fixture_breaks_no_rule() -> None:
    assert [str(finding) for finding in findings(contract())] == []


@pytest.mark.parametrize(("rule", "old", "new"), BROKEN)
def test_a_broken_rule_is_found(rule: str, old: str, new: str) -> None:
    found = findings(contract(old, new))
    assert rule in {finding.rule for finding in found}
    assert all(finding.place.line > 0 and finding.cure for finding in found)


def test_a_read_that_no_url_may_hold_is_sent_by_post() -> None:
    secret = "string filter = 4 [(trellis.policy.v1.data_class) = DATA_CLASS_PERSONAL, "

    found = findings(contract("string filter = 4 [", secret))

    assert {finding.rule for finding in found} == {"secret-in-url"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "signed_in: true",
            'signed_in: true permission_for_others: "carts.check" granted_to: [PREDEFINED_ROLE_ADMIN]',
        ),
        ('child_type = "trellis.dev/Cart"', 'type = "*"'),
    ],
    ids=["permission for others", "name of any type"],
)
def test_what_may_be_is_not_found(old: str, new: str) -> None:
    assert [str(finding) for finding in findings(contract(old, new))] == []


def test_every_rule_is_broken_once() -> None:
    assert {rule.__name__ for rule in RULES} == {rule for rule, _, _ in BROKEN}


def test_the_contract_breaks_no_rule() -> None:
    found = findings(reader.read(buf.image(source_info=True)))
    assert [str(finding) for finding in found] == []


def test_the_vendored_protos_are_those_of_their_packages() -> None:
    assert list(vendored.differences()) == []


def test_the_documentation_page_is_that_of_its_package(tmp_path: Path) -> None:
    assert list(vendored.page_differences()) == []
    (tmp_path / "swagger-ui.css").write_text("changed")
    found = list(vendored.page_differences(tmp_path))
    assert [Path(line.partition(":")[0]).name for line in found] == sorted(vendored.SWAGGER_UI_DIGESTS)
