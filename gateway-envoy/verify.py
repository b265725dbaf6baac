#!/usr/bin/env python3
"""Sends a real request for every trap of the edge and compares the answer.

    gateway-envoy/verify.py http://127.0.0.1:8080 --token "$TOKEN"

`TOKEN` is a valid access token of any user. Ends with 1 if an answer is not the one expected. Nothing is changed: every
request is refused or reads. Cases marked `service` are answered behind the edge; all others by the edge alone, so they
hold with any service behind it.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

USER = "/trellis.user.v1.UserService"
ORIGIN = {"origin": "http://localhost:3000"}
JSON = {"content-type": "application/json"}
GRPC_WEB = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
EMPTY_FRAME = b"\0\0\0\0\0"
"""One gRPC message without content."""
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Case:
    """One request and what its answer must be."""

    name: str
    verb: str
    path: str
    status: int
    reason: str = ""
    """Reason of the ErrorInfo in the body; empty: there need not be one."""
    signed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    answer: Mapping[str, str] = field(default_factory=dict)
    """Headers that the answer has; an empty value means that it must not have the header."""
    hides: str = ""
    """What the body must not contain."""
    service: bool = False
    """Answered by the service behind the edge."""


def nested(levels: int) -> bytes:
    """JSON that is that many levels deep."""
    return b'{"user":' * levels + b"1" + b"}" * levels


ME = "/v1/users/me"
CASES: tuple[Case, ...] = (
    # The query and the body against the path: the service compares what it got with the path it came by.
    Case(
        "query overrides a path field",
        "GET",
        f"{ME}?name=users/usr_evil",
        400,
        "REQUEST_INVALID",
        signed=True,
        service=True,
    ),
    Case(
        "snake case query overrides a nested path field",
        "PATCH",
        f"{ME}?user.name=users/usr_evil&validateOnly=true",
        400,
        "REQUEST_INVALID",
        signed=True,
        headers=JSON,
        service=True,
        body=b'{"displayName":"x"}',
    ),
    Case(
        "query overrides the parent of a list",
        "GET",
        "/v1/organizations/org_a/memberships?parent=organizations/org_b",
        403,  # of neither organization anything is said to a stranger
        "PERMISSION_DENIED",
        signed=True,
        service=True,
    ),
    Case(
        "body overrides a path field",
        "PATCH",
        f"{ME}?validateOnly=true",
        400,
        "REQUEST_INVALID",
        signed=True,
        headers=JSON,
        body=b'{"name":"users/usr_evil","displayName":"x"}',
    ),
    # Closed without a verified token, and JSON for whoever speaks JSON.
    Case("no token", "GET", ME, 401, "TOKEN_INVALID", hides="Jwt"),
    Case("no token on a mutation", "POST", "/v1/organizations", 401, "TOKEN_INVALID", headers=JSON, body=b"{}"),
    Case("a token that is none", "GET", ME, 401, "TOKEN_INVALID", headers={"authorization": "Bearer x.y.z"}),
    Case("basic credentials", "GET", ME, 401, "TOKEN_INVALID", headers={"authorization": "Basic YTpi"}),
    Case("a forged x-user-id", "GET", ME, 401, "TOKEN_INVALID", headers={"x-user-id": "users/usr_evil"}),
    Case("a forged x-jwt-payload", "GET", ME, 401, "TOKEN_INVALID", headers={"x-jwt-payload": "eyJzdWIiOiJ4In0"}),
    Case("a forged x-internal header", "GET", ME, 401, "TOKEN_INVALID", headers={"x-internal-user": "users/usr_evil"}),
    # Who calls, and under which id, is not for the caller to say.
    Case("a forged x-request-id", "GET", "/healthz", 200, headers={"x-request-id": "forged"}, hides="forged"),
    Case(
        "a forged x-envoy-original-path",
        "GET",
        ME,
        401,
        "TOKEN_INVALID",
        headers={"x-envoy-original-path": "/v1/users/usr_evil"},
    ),
    Case("a header with an underscore", "GET", "/healthz", 400, headers={"x_user_id": "users/usr_evil"}),
    # What only gRPC understands, and a service would answer 500 to.
    *(
        Case(f"{name} in REST", "GET", ME, 200, headers={name: "nonsense"}, signed=True)
        for name in ("grpc-encoding", "grpc-accept-encoding", "grpc-previous-rpc-attempts", "grpc-retry-pushback-ms")
    ),
    Case("headers of 30 kB", "GET", ME, 200, headers={"x-large": "a" * 30_000}, signed=True, service=True),
    Case("headers of 40 kB", "GET", ME, 431, "REQUEST_INVALID", headers={"x-large": "a" * 40_000}, signed=True),
    Case("a deadline in REST", "GET", ME, 504, "DEADLINE_EXCEEDED", headers={"grpc-timeout": "0m"}, signed=True),
    # What the transcoder takes and refuses.
    Case("an unknown query parameter", "GET", f"{ME}?nmae=x", 400, "REQUEST_INVALID", signed=True),
    Case("an unknown path", "GET", "/v1/nothing", 404, "ENDPOINT_UNKNOWN", signed=True),
    Case("a path outside the API", "GET", "/etc/passwd", 404, "ENDPOINT_UNKNOWN"),
    Case("a wrong verb", "PUT", ME, 404, "ENDPOINT_UNKNOWN", signed=True),
    Case("broken JSON", "POST", "/v1/auth:signIn", 400, "REQUEST_INVALID", headers=JSON, body=b'{"email":'),
    Case("a wrong type", "POST", "/v1/auth:signIn", 400, "REQUEST_INVALID", headers=JSON, body=b'{"email":{"a":1}}'),
    Case("deep JSON", "POST", "/v1/auth:signIn", 400, "REQUEST_INVALID", headers=JSON, body=nested(200)),
    Case(
        "a form",
        "POST",
        "/v1/auth:signIn",
        400,
        "REQUEST_INVALID",
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=b"email=a",
    ),
    Case("an escaped slash", "GET", "/v1/users/..%2forganizations", 400, signed=True),
    Case("dots in the path", "GET", "/v1/users/../../etc/passwd", 404, "ENDPOINT_UNKNOWN", signed=True),
    Case(
        "the gRPC path as JSON",
        "POST",
        f"{USER}/GetUser",
        404,
        "ENDPOINT_UNKNOWN",
        signed=True,
        headers=JSON,
        body=b"{}",
    ),
    # 413, not 429.
    Case(
        "a body over the limit",
        "POST",
        "/v1/auth:signIn",
        413,
        "REQUEST_TOO_LARGE",
        headers=JSON,
        body=b'{"email":"' + b"a" * 2 * MEGABYTE + b'"}',
    ),
    # What stays inside.
    Case(
        "gRPC reflection",
        "POST",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        404,
        headers={"content-type": "application/grpc-web"},
        body=EMPTY_FRAME,
        answer={"grpc-status": "12"},
    ),
    Case(
        "gRPC health of a service",
        "POST",
        "/grpc.health.v1.Health/Check",
        404,
        headers={"content-type": "application/grpc-web"},
        body=EMPTY_FRAME,
        answer={"grpc-status": "12"},
    ),
    Case(
        "an internal RPC by grpc-web",
        "POST",
        "/trellis.auth.v1.AccountService/GetAccount",
        404,
        signed=True,
        headers=GRPC_WEB,
        body=EMPTY_FRAME,
        answer={"grpc-status": "12"},
    ),
    Case(
        "an internal RPC by JSON",
        "POST",
        "/trellis.auth.v1.AccountService/GetAccount",
        404,
        "ENDPOINT_UNKNOWN",
        signed=True,
        headers=JSON,
        body=b"{}",
    ),
    Case("an internal RPC as a REST guess", "GET", "/v1/users/usr_a/account", 404, "ENDPOINT_UNKNOWN", signed=True),
    Case(
        "grpc-web without a token",
        "POST",
        f"{USER}/GetUser",
        401,
        headers=GRPC_WEB,
        body=EMPTY_FRAME,
        answer={"grpc-status": "16"},
        hides="details",
    ),
    # CORS: preflights need no token, errors keep the headers, strangers get none.
    Case(
        "a preflight",
        "OPTIONS",
        ME,
        200,
        headers={
            **ORIGIN,
            "access-control-request-method": "PATCH",
            "access-control-request-headers": "idempotency-key",
        },
        answer={"access-control-allow-origin": "http://localhost:3000"},
    ),
    Case(
        "CORS on 401",
        "GET",
        ME,
        401,
        "TOKEN_INVALID",
        headers=ORIGIN,
        answer={"access-control-allow-origin": "http://localhost:3000"},
    ),
    Case(
        "CORS on 404",
        "GET",
        "/v1/nothing",
        404,
        headers=ORIGIN,
        answer={"access-control-allow-origin": "http://localhost:3000"},
    ),
    Case(
        "CORS of a stranger",
        "GET",
        ME,
        401,
        headers={"origin": "https://evil.test"},
        answer={"access-control-allow-origin": ""},
    ),
    # What is open.
    Case("health", "GET", "/healthz", 200, answer={"x-content-type-options": "nosniff"}),
    Case(
        "the public keys",
        "GET",
        "/.well-known/jwks.json",
        200,
        service=True,
        answer={"content-type": "application/json"},
    ),
    Case("a signed read", "GET", ME, 200, signed=True, service=True),
    Case(
        "not found with details",
        "GET",
        "/v1/users/me/sessions/ses_0",
        404,
        "SESSION_NOT_FOUND",
        signed=True,
        service=True,
    ),
)


def forgeries(token: str) -> Iterator[Case]:
    """Tokens made of a good one: without an algorithm, with another key's signature, with other claims."""
    head, claims, signature = token.split(".")
    none = _encoded({"alg": "none", "typ": "at+jwt"})
    hmac = _encoded({"alg": "HS256", "typ": "at+jwt"})
    other = _encoded({**_decoded(claims), "sub": "users/usr_evil"})
    flipped = signature[:-6] + ("AAAAAA" if signature[-6:] != "AAAAAA" else "BBBBBB")
    forged = {
        "alg none": f"{none}.{claims}.",
        "alg none, signature kept": f"{none}.{claims}.{signature}",
        "alg HS256": f"{hmac}.{claims}.{signature}",
        "another signature": f"{head}.{claims}.{flipped}",
        "other claims": f"{head}.{other}.{signature}",
        "no signature": f"{head}.{claims}",
        "an embedded key": f"{_encoded({**_decoded(head), 'jwk': {'kty': 'EC'}, 'kid': 'x'})}.{claims}.{signature}",
    }
    for name, value in forged.items():
        yield Case(f"token: {name}", "GET", ME, 401, "TOKEN_INVALID", headers={"authorization": f"Bearer {value}"})


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _decoded(part: str) -> dict[str, object]:
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def check(base: str, case: Case, token: str) -> list[str]:
    """What is wrong with the answer; nothing if all is well."""
    headers = {**case.headers, **({"authorization": f"Bearer {token}"} if case.signed else {})}
    status, answered, body = send(base, case.verb, case.path, headers, case.body)
    faults = [] if status == case.status else [f"status {status}, not {case.status}: {body[:200]!r}"]
    if case.reason and reason_of(body) != case.reason:
        faults.append(f"reason {reason_of(body)!r}, not {case.reason!r}: {body[:200]!r}")
    for name, value in case.answer.items():
        if (value and value not in answered.get(name, "")) or (not value and name in answered):
            faults.append(f"{name}: {answered.get(name)!r}, not {value!r}")
    if case.hides and case.hides in body.decode(errors="replace") + str(answered):
        faults.append(f"the answer shows {case.hides!r}")
    return faults


def send(
    base: str, verb: str, path: str, headers: Mapping[str, str], body: bytes | None
) -> tuple[int, dict[str, str], bytes]:
    """Send one request as it is written; nothing is normalised or followed."""
    address = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.request(verb, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def reason_of(body: bytes) -> str:
    """The reason of the ErrorInfo in a JSON status; empty if there is none."""
    try:
        details = json.loads(body)["details"]
        return next(str(d["reason"]) for d in details if d["@type"].endswith("google.rpc.ErrorInfo"))
    except (ValueError, KeyError, TypeError, StopIteration):
        return ""


def main() -> int:
    """Run every case and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="the edge, for example http://127.0.0.1:8080")
    parser.add_argument("--token", required=True, help="a valid access token")
    given = parser.parse_args()
    failed = 0
    for case in (*CASES, *forgeries(given.token)):
        faults = check(given.base, case, given.token)
        failed += bool(faults)
        print("FAIL" if faults else "ok  ", case.name, *faults, sep="  ")  # noqa: T201
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
