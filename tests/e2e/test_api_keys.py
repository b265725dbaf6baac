"""Programs call with API keys, by REST, gRPC and grpc-web's headers: the edge exchanges the key, no service ever sees it."""

from __future__ import annotations

import secrets
import statistics
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.auth.domain.api_keys import new_secret
from tests.e2e.client import Answer, Person, Rest
from tests.e2e.platform import Platform, eventually
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1.service_pb2_grpc import UserServiceStub

WITHIN_S = 1.0
SCOPES = ["users.list", "teams.create"]
INVALID = (401, "API_KEY_INVALID")


def call(platform: Platform, secret: str, path: str, verb: str = "GET", body: object = None, token: str = "") -> Answer:
    """Call with a key, and perhaps with a token too."""
    return Rest(platform.rest, token).call(verb, path, body, headers={"x-api-key": secret})


@pytest.fixture
def robot(ada: Person) -> str:
    """A service account of Ada's organization."""
    body = {"displayName": "Nightly import", "role": "roles/admin"}
    return str(ada.rest.ok("POST", f"/v1/{ada.organization}/serviceAccounts", body)["name"])


def make_key(ada: Person, **values: Any) -> dict[str, Any]:
    """Make a key of Ada's organization."""
    body = {"displayName": "Nightly", "scopes": SCOPES, **values}
    return ada.rest.ok("POST", f"/v1/{ada.organization}/apiKeys", body)


def opens(platform: Platform, ada: Person, secret: str) -> bool:
    """Return whether a key opens something. What it was exchanged for may be refused a moment before the key itself."""
    answer = call(platform, secret, f"/v1/{ada.organization}/users")
    assert answer.verdict in ((200, ""), INVALID, (401, "TOKEN_INVALID")), answer.body
    return answer.status == 200


def refused_s(platform: Platform, ada: Person, secret: str) -> float:
    """Return how long it takes until a key opens nothing."""
    began_s = time.monotonic()
    eventually(lambda: not opens(platform, ada, secret))
    return time.monotonic() - began_s


def test_a_program_calls_by_rest_and_by_grpc(platform: Platform, ada: Person, robot: str) -> None:
    secret = make_key(ada, subject=robot)["secret"]
    users = call(platform, secret, f"/v1/{ada.organization}/users").json["users"]
    with grpc.insecure_channel(platform.target) as channel:
        request = rpc.ListUsersRequest(parent=ada.organization)
        by_grpc = UserServiceStub(channel).ListUsers(request, metadata=(("x-api-key", secret),))

    assert ada.name in [user["name"] for user in users]
    assert [user.name for user in by_grpc.users] == [user["name"] for user in users]


def test_a_person_calls_with_a_key_of_their_own(platform: Platform, ada: Person) -> None:
    key = make_key(ada)

    assert call(platform, key["secret"], "/v1/users/me").json["name"] == ada.name
    assert ada.rest.ok("GET", f"/v1/{key['name']}").get("secret", "") == ""


def test_scopes_limit_it_and_sessions_stay_out_of_reach(platform: Platform, ada: Person, robot: str) -> None:
    secret = make_key(ada, subject=robot)["secret"]
    beyond = call(platform, secret, f"/v1/{ada.organization}/invitations")
    personal = call(platform, secret, "/v1/auth:signOut", "POST", {})

    assert beyond.verdict == (403, "PERMISSION_DENIED")
    assert personal.verdict == (403, "SESSION_REQUIRED")


def test_a_key_is_of_one_organization(platform: Platform, ada: Person, eve: Person) -> None:
    secret = make_key(ada)["secret"]

    assert call(platform, secret, f"/v1/{eve.organization}/users").verdict == (403, "PERMISSION_DENIED")


def test_a_token_and_a_key_together_are_refused(platform: Platform, ada: Person) -> None:
    secret = make_key(ada)["secret"]
    both = call(platform, secret, "/v1/users/me", token=ada.token)
    bad_token = call(platform, secret, "/v1/users/me", token=f"{ada.token[:-8]}AAAAAAAA")

    assert both.verdict == INVALID
    assert bad_token.verdict == (401, "TOKEN_INVALID")


@pytest.mark.parametrize("secret", ["", "trk_", "nonsense", "trk_" + "a" * 49, new_secret(bytes(32))])
def test_what_is_no_key_opens_nothing(platform: Platform, ada: Person, secret: str) -> None:
    answer = call(platform, secret, "/v1/users/me")
    assert answer.status == 401
    assert answer.reason in ("API_KEY_INVALID", "TOKEN_INVALID")


def test_a_key_in_the_tokens_place_is_no_token(platform: Platform, ada: Person) -> None:
    secret = make_key(ada)["secret"]

    assert Rest(platform.rest, secret).get("/v1/users/me").verdict == (401, "TOKEN_INVALID")


def test_both_secrets_work_for_the_overlap_and_only_the_new_one_without(platform: Platform, ada: Person) -> None:
    key = make_key(ada)
    second = ada.rest.ok("POST", f"/v1/{key['name']}:rotate", {"overlapDuration": "3600s"})["secret"]
    assert [opens(platform, ada, secret) for secret in (key["secret"], second)] == [True, True]

    third = ada.rest.ok("POST", f"/v1/{key['name']}:rotate", {"overlapDuration": "0s"})["secret"]

    eventually(lambda: not opens(platform, ada, second))
    assert [opens(platform, ada, secret) for secret in (key["secret"], third)] == [False, True]


def test_a_revoked_key_is_refused_within_a_second(platform: Platform, ada: Person) -> None:
    """The median of five: one of them may fall into a pause of the machine."""
    took_s = []
    for _ in range(5):
        key = make_key(ada)
        assert opens(platform, ada, key["secret"])
        ada.rest.ok("POST", f"/v1/{key['name']}:revoke", {})
        took_s.append(refused_s(platform, ada, key["secret"]))

    assert statistics.median(took_s) < WITHIN_S


def test_a_disabled_account_is_shut_out_and_comes_back(platform: Platform, ada: Person, robot: str) -> None:
    secret = make_key(ada, subject=robot)["secret"]
    assert opens(platform, ada, secret)

    ada.rest.ok("POST", f"/v1/{robot}:disable", {})
    eventually(lambda: not opens(platform, ada, secret))
    ada.rest.ok("POST", f"/v1/{robot}:enable", {})

    eventually(lambda: opens(platform, ada, secret))


def test_no_secret_is_written_anywhere(platform: Platform, ada: Person) -> None:
    secret = make_key(ada)["secret"]
    assert opens(platform, ada, secret)
    logs = [path for path in Path(platform.path / "logs").rglob("*") if path.is_file()]

    assert [path.name for path in logs if secret in path.read_text(errors="replace")] == []
    stored = platform.sql("auth", "SELECT string_agg(t::text, ' ') FROM api_keys t")
    assert secret not in stored
    assert secret not in platform.sql("auth", "SELECT coalesce(string_agg(encode(answer, 'escape'), ' '), '') FROM answers")


def test_a_thousand_guesses_stay_inside_the_limit(platform: Platform, ada: Person) -> None:
    good = make_key(ada)["secret"]
    assert opens(platform, ada, good)
    guesses = [call(platform, new_secret(secrets.token_bytes(32)), "/v1/users/me").verdict for _ in range(1000)]

    assert set(guesses) == {INVALID, (429, "RATE_LIMITED")}
    assert guesses.count(INVALID) < 100
    assert opens(platform, ada, good), "whose key was good before is locked out by nobody"
