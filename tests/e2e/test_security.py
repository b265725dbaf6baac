"""What strangers try is refused with the right code, says nothing, and leaves nothing behind."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from typing import Any

import pytest
from google.rpc import error_details_pb2  # noqa: F401 -- makes the details known
from joserfc import jws
from joserfc.jwk import ECKey

from services.auth.store.keys import SEAL
from services.chassis.keys import Keyring
from tests.e2e.client import PASSWORD, Answer, Person, Rest, mails_to, new_email, patient, verification_of
from tests.e2e.platform import Platform, eventually

SIGN_IN, SIGN_UP, ME = "/v1/auth:signIn", "/v1/auth:signUp", "/v1/users/me"
REVEALING = ("Traceback", "asyncpg", "SELECT", "INSERT", "sqlalchemy", "psycopg", 'File "', ".py")


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token says."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def signed(key: ECKey, claims: dict[str, Any], *, kind: str = "at+jwt") -> str:
    """Return a token with these claims."""
    return jws.serialize_compact(
        {"alg": "ES256", "typ": kind, "kid": key.kid}, json.dumps(claims), key, algorithms=["ES256"]
    )


@pytest.fixture(scope="module")
def auths_key(platform: Platform) -> ECKey:
    """Auth's own signing key, out of its vault: what even the right signature does not make good is refused."""
    row = platform.sql("auth", "SELECT kid, encode(private_jwk, 'hex') FROM signing_keys ORDER BY sign_from_time LIMIT 1")
    kid, _, sealed = row.partition("|")
    keyring = Keyring(bytes.fromhex(platform.home.root_secret("auth")))
    return ECKey.import_key(json.loads(keyring.open(SEAL, bytes.fromhex(sealed), kid.encode())))


# Bodies


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        pytest.param(b'{"email":"a@b.cd"', "application/json", 400, id="broken JSON"),
        pytest.param(b'{"email":"\xff\xfe"}', "application/json", 400, id="invalid UTF-8"),
        pytest.param(b'{"email":"\\ud800"}', "application/json", 400, id="half a surrogate"),
        pytest.param(b"[" * 5000 + b"]" * 5000, "application/json", 400, id="deep JSON"),
        pytest.param(b'{"no_such_field":1}', "application/json", 400, id="unknown field"),
        pytest.param(b"email=a", "application/x-www-form-urlencoded", 400, id="a form"),
        pytest.param(b"<a/>", "text/xml", 400, id="XML"),
        pytest.param(b'{"email":"' + b"a" * 2_000_000 + b'"}', "application/json", 413, id="oversized"),
    ],
)
def test_a_body_that_is_none_is_refused(raw: bytes, kind: str, status: int, platform: Platform) -> None:
    before = footprint(platform)
    answer = Rest(platform.rest).call("POST", SIGN_UP, raw=raw, headers={"content-type": kind})
    assert answer.status == status, answer.body
    assert answer.reason in ("REQUEST_INVALID", "REQUEST_TOO_LARGE")
    assert_says_nothing(answer)
    assert footprint(platform) == before


@pytest.mark.parametrize("nul", ["\0", "a\0b"])
def test_a_text_that_postgresql_cannot_hold_is_refused(nul: str, ada: Person) -> None:
    answer = ada.rest.call("PATCH", f"{ME}?updateMask=displayName", {"displayName": nul})
    assert answer.verdict == (400, "REQUEST_INVALID")


def test_every_wrong_field_is_named(platform: Platform) -> None:
    answer = Rest(platform.rest).post(SIGN_UP, {"email": "nobody", "password": "short", "displayName": "x" * 500})
    assert answer.verdict == (400, "REQUEST_INVALID")
    bad = next(d for d in answer.json["details"] if d["@type"].endswith("google.rpc.BadRequest"))
    assert {violation["field"] for violation in bad["fieldViolations"]} == {"email", "password", "display_name"}


def test_injection_is_a_value_like_any_other(platform: Platform, ada: Person) -> None:
    name = "'; DROP TABLE users; --"
    assert ada.rest.ok("PATCH", f"{ME}?updateMask=displayName", {"displayName": name})["displayName"] == name
    assert int(platform.sql("user", "SELECT count(*) FROM users")) > 0


# Tokens


def test_only_what_auth_signed_for_this_platform_is_a_token(ada: Person, auths_key: ECKey) -> None:
    good = claims_of(ada.token)
    assert verdict_of(ada, signed(auths_key, good)) == (200, "")
    refused = {
        "expired": {**good, "exp": int(time.time()) - 3600},
        "of another audience": {**good, "aud": "somebody-else"},
        "without an audience": {k: v for k, v in good.items() if k != "aud"},
        "of another issuer": {**good, "iss": "https://evil.test"},
        "not yet valid": {**good, "nbf": int(time.time()) + 3600},
        "that never ends": {k: v for k, v in good.items() if k != "exp"},
    }
    verdicts = {name: verdict_of(ada, signed(auths_key, claims)) for name, claims in refused.items()}
    assert verdicts == dict.fromkeys(refused, (401, "TOKEN_INVALID"))


def test_another_key_signs_nothing(ada: Person, auths_key: ECKey) -> None:
    strange = ECKey.generate_key("P-256", {"kid": str(auths_key.kid)})
    assert verdict_of(ada, signed(strange, claims_of(ada.token))) == (401, "TOKEN_INVALID")


def test_another_kind_of_token_is_no_access_token(ada: Person, auths_key: ECKey) -> None:
    assert verdict_of(ada, signed(auths_key, claims_of(ada.token), kind="svc+jwt")) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize("service", ["auth", "user"])
def test_a_service_token_opens_nothing_at_the_edge(service: str, platform: Platform, ada: Person) -> None:
    key = ECKey.import_key(json.loads(platform.home.service_key(service)))
    now = int(time.time())
    claims = {"iss": f"services/{service}", "sub": f"services/{service}", "aud": "trellis", "iat": now, "exp": now + 60}
    assert verdict_of(ada, signed(key, claims, kind="svc+jwt")) == (401, "TOKEN_INVALID")
    assert verdict_of(ada, signed(key, {**claims_of(ada.token), **claims})) == (401, "TOKEN_INVALID")


def test_a_refresh_token_is_no_access_token(ada: Person) -> None:
    assert verdict_of(ada, ada.refresh_token) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize("token", ["", "x", "trr_a-b.1.x", "trr_" + "9" * 100, "trr_..", "vrf_a.b"])
def test_a_made_up_refresh_token_gets_nothing(token: str, platform: Platform) -> None:
    answer = Rest(platform.rest).post("/v1/auth:refreshToken", {"refreshToken": token})
    assert answer.verdict in ((401, "REFRESH_TOKEN_INVALID"), (400, "REQUEST_INVALID"))


def test_a_used_link_is_over(platform: Platform) -> None:
    link = verification_of(platform.rest, platform.mail, "Once", new_email())
    verify = {"token": link, "password": PASSWORD}
    assert Rest(platform.rest).post("/v1/auth:verifyEmail", verify).status == 200
    assert Rest(platform.rest).post("/v1/auth:verifyEmail", verify).verdict == (400, "VERIFICATION_INVALID")


def test_a_made_up_link_is_none(platform: Platform) -> None:
    verify = {"token": f"vrf_sup_{uuid.uuid4().hex}.x", "password": PASSWORD}
    answer = Rest(platform.rest).post("/v1/auth:verifyEmail", verify)
    assert answer.verdict == (400, "VERIFICATION_INVALID")


# Who has an account is not said


def test_signing_up_says_nothing_about_the_address(platform: Platform, ada: Person) -> None:
    answers = [
        patient(platform.rest, SIGN_UP, {"email": email, "password": PASSWORD, "displayName": "X"})
        for email in (ada.email, new_email())
    ]
    assert answers == [{}, {}]
    eventually(lambda: len(mails_to(platform.mail, ada.email)) > 1)
    assert mails_to(platform.mail, ada.email)[-1]["subject"] == "You already have an account"


def without_id(status: Any) -> Any:
    """Return a refusal without the id of its request, which is another each time."""
    return json.loads(re.sub(r'"requestId": "[^"]*"', '"requestId": "…"', json.dumps(status)))


def test_signing_in_says_nothing_about_the_address(platform: Platform, ada: Person) -> None:
    forms = [{"email": email, "password": "wrong and long enough"} for email in (ada.email, new_email())]
    known, unknown = (Rest(platform.rest).post(SIGN_IN, form) for form in forms)
    assert (known.status, without_id(known.json)) == (unknown.status, without_id(unknown.json))
    assert known.verdict == (401, "CREDENTIALS_INVALID")


def test_asking_for_the_link_says_nothing_about_the_address(platform: Platform, ada: Person) -> None:
    answers = [Rest(platform.rest).post("/v1/auth:resendVerification", {"email": e}) for e in (ada.email, new_email())]
    assert [(answer.status, answer.json) for answer in answers] == [(200, {}), (200, {})]


# Other organizations and other people


def test_no_permission_goes_beyond_the_role(ada: Person, bob: Person) -> None:
    path = f"/v1/{ada.organization}"
    assert bob.rest.call("DELETE", path).verdict == (403, "PERMISSION_DENIED")
    assert bob.rest.call("PATCH", f"{path}?updateMask=displayName", {"displayName": "Bobs"}).verdict[0] == 403


def verdict_of(person: Person, token: str) -> tuple[int, str]:
    """Return how a read with this token ends."""
    answer = Rest(person.base, token).get(ME)
    if answer.status != 200:
        assert_says_nothing(answer)
    return answer.verdict


def assert_says_nothing(answer: Answer) -> None:
    """No exception, statement or place in the code reaches a caller."""
    text = answer.body.decode(errors="replace")
    assert [word for word in REVEALING if word in text] == []


def footprint(platform: Platform) -> tuple[str, str]:
    """Return what is stored, as counts and newest changes."""
    user = platform.sql(
        "user",
        "SELECT (SELECT (count(*), max(update_time)) FROM users), (SELECT (count(*), max(update_time)) FROM organizations),"
        " (SELECT (count(*), max(update_time)) FROM memberships), (SELECT count(*) FROM answers)",
    )
    auth = platform.sql(
        "auth",
        "SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM sign_ups), (SELECT max(revoke_time) FROM sessions)",
    )
    return user, auth
