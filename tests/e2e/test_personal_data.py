"""An account's life through the edge, and an erasure that outlives the death of those who do it."""

from __future__ import annotations

import json
import os
import signal
import uuid
from typing import Any

import pytest
import redis
from joserfc import jws
from joserfc.jwk import KeySet

from cli.commands.mails import token_of
from tests.e2e.client import Answer, Person, Rest, mails_to, sign_up
from tests.e2e.platform import SERVICES, Platform, eventually


@pytest.fixture
def zoe(platform: Platform) -> Person:
    """Somebody who has just signed up, and whose profile is known."""
    eventually(lambda: Rest(platform.rest).get("/.well-known/jwks.json").status == 200, within_s=30)
    person = sign_up(platform.rest, platform.mail, f"Zoe {uuid.uuid4().hex}")
    person.rest.ok("PATCH", "/v1/users/me", {"timeZone": f"Pacific/{uuid.uuid4().hex}"})
    return person


def certificate(platform: Platform, operation: str) -> Answer:
    return Rest(platform.rest).get(f"/v1/{operation.replace('operations', 'erasureCertificates')}")


def erase(person: Person) -> str:
    return str(person.rest.ok("POST", "/v1/users/me:erasePersonalData", {})["name"])


def certified(platform: Platform, operation: str) -> dict[str, Any]:
    """Wait for the certificate, verify it with the published keys alone and return its claims."""
    eventually(lambda: certificate(platform, operation).status == 200, within_s=60)
    published: Any = Rest(platform.rest).get("/v1/erasureKeys").json
    keys = KeySet.import_key_set(published)
    signed = certificate(platform, operation).json["certificate"]
    claims: dict[str, Any] = json.loads(jws.deserialize_compact(signed, keys, algorithms=["ES256"]).payload)
    return claims


def traces(platform: Platform, markers: list[str]) -> list[str]:
    """Return every table of every database in which one of the markers is found."""
    found = []
    for service in SERVICES:
        tables = platform.sql(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").splitlines()
        for table in tables:
            text = platform.sql(service, f'SELECT json_agg(t)::text FROM "{table}" t')
            found += [f"{service}.{table}" for marker in markers if marker in text]
    return sorted(set(found))


def traces_on_the_bus(platform: Platform, markers: list[str]) -> set[str]:
    """Return the topics of entries, in whatever stream, in which one of the markers is found."""
    found = set()
    with redis.Redis.from_url(platform.valkey_url) as valkey:
        for key in valkey.scan_iter(count=1000):
            if valkey.type(key) != b"stream":
                assert not any(marker.encode() in key + repr(valkey.dump(key)).encode() for marker in markers)
                continue
            for _, fields in valkey.xrange(key):
                if any(marker.encode() in b"".join(fields.values()) for marker in markers):
                    found.add(fields[b"type"].decode())
    return found


def test_whoever_deactivates_comes_back_by_the_mailed_link(platform: Platform, zoe: Person) -> None:
    user = zoe.rest.ok("POST", "/v1/users/me:deactivate", {})
    assert user["state"] == "STATE_DEACTIVATED"
    eventually(lambda: zoe.rest.get("/v1/users/me").status == 401)
    form = {"email": zoe.email, "password": zoe.password}
    eventually(lambda: Rest(platform.rest).post("/v1/auth:signIn", form).verdict == (400, "ACCOUNT_DEACTIVATED"))
    assert zoe.refresh().reason == "REFRESH_TOKEN_INVALID"

    links = eventually(lambda: [m for m in mails_to(platform.mail, zoe.email) if "deactivated" in m["subject"]])
    back = Rest(platform.rest).ok("POST", f"/v1/{zoe.name}:reactivate", {"token": token_of(links[-1])})

    assert back["state"] == "STATE_ACTIVE"
    eventually(lambda: Rest(platform.rest).post("/v1/auth:signIn", form).status == 200)


def test_an_export_has_what_every_service_keeps(platform: Platform, zoe: Person) -> None:
    operation = zoe.rest.ok("POST", "/v1/users/me:exportPersonalData", {})
    assert operation["metadata"]["verb"] == "ExportPersonalData"

    done = zoe.rest.ok("GET", f"/v1/{operation['name']}:wait?timeoutDuration=8s")

    assert done["done"] is True
    document = zoe.rest.ok("GET", f"/v1/{done['response']['name']}")
    kinds = [record["record"] for part in document["services"] for record in part["records"]]
    assert {"trellis.auth.v1.AccountRecord", "trellis.auth.v1.Session", "trellis.user.v1.User"} <= set(kinds)
    assert zoe.email in json.dumps(document)
    assert "argon2" not in json.dumps(document)


def test_after_an_erasure_nothing_is_found_but_what_the_certificate_lists(platform: Platform, zoe: Person) -> None:
    profile = zoe.rest.ok("GET", "/v1/users/me")
    markers = [zoe.email, profile["displayName"], profile["timeZone"]]
    zoe.rest.ok("POST", "/v1/users/me:exportPersonalData", {})
    assert {"auth.accounts", "auth.sign_ups", "user.users"} <= set(traces(platform, markers))

    claims = certified(platform, erase(zoe))

    for service in SERVICES:
        eventually(lambda service=service: platform.sql(service, "SELECT count(*) FROM outbox") == "0")  # type: ignore[misc]
    assert traces(platform, markers) == []
    kept = {each["record"]: each["end_time"] for part in claims["services"].values() for each in part["kept"]}
    assert traces_on_the_bus(platform, markers) == {"auth.v1.account_created"}
    assert {"events", "user name"} <= set(kept)
    assert kept["events"] is not None
    assert mails_to(platform.mail, zoe.email) == []
    assert zoe.refresh().status == 401
    form = {"email": zoe.email, "password": zoe.password}
    assert Rest(platform.rest).post("/v1/auth:signIn", form).reason == "CREDENTIALS_INVALID"


@pytest.mark.parametrize("victim", SERVICES)
def test_kill_9_in_the_middle_of_an_erasure_ends_in_one_certificate(platform: Platform, zoe: Person, victim: str) -> None:
    auth = platform.pids()["auth"]
    os.kill(auth, signal.SIGSTOP)  # so that the erasure has a middle
    try:
        operation = erase(zoe)
        eventually(lambda: certificate(platform, operation).verdict == (400, "ERASURE_RUNNING"))
        eventually(lambda: "services/auth" in str(certificate(platform, operation).json), within_s=30)
        if victim == "user":
            platform_pid = platform.pids()["user"]
            os.kill(platform_pid, signal.SIGKILL)
            eventually(lambda: platform.pids().get("user") not in (None, platform_pid), within_s=30)
            assert certificate(platform, operation).status != 200
    finally:
        os.kill(auth, signal.SIGKILL if victim == "auth" else signal.SIGCONT)
    if victim == "auth":
        eventually(lambda: platform.pids().get("auth") not in (None, auth), within_s=30)

    claims = certified(platform, operation)

    assert claims["sub"] == zoe.name
    assert platform.sql("user", f"SELECT count(*) FROM erasure_certificates WHERE \"user\" = '{zoe.name}'") == "1"
    assert platform.sql("auth", f"SELECT count(*) FROM erasures WHERE \"user\" = '{zoe.name}'") == "1"
    assert certified(platform, operation) == claims
    eventually(platform.healthy, within_s=30)
