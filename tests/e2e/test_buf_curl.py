"""`buf curl` works against the edge, with the contract of this checkout."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any

from google.rpc.error_details_pb2 import ErrorInfo

from cli.home import ROOT
from tests.e2e.client import Person
from tests.e2e.platform import Platform


def curl(platform: Platform, method: str, request: dict[str, Any], token: str = "") -> subprocess.CompletedProcess[str]:
    """Make one call."""
    options = ["--protocol", "grpc", "--http2-prior-knowledge", "--schema", "proto"]
    signed = ["--header", f"authorization: Bearer {token}"] if token else []
    words = ["buf", "curl", *options, *signed, "--data", json.dumps(request), f"{platform.rest}/{method}"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_buf_curl_reads_a_user(platform: Platform, ada: Person) -> None:
    done = curl(platform, "trellis.user.v1.UserService/GetUser", {"name": "users/me"}, ada.token)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == ada.name


def test_buf_curl_shows_the_reason_of_a_refusal(platform: Platform) -> None:
    form = {"email": "nobody@example.com", "password": "wrong and long enough"}
    done = curl(platform, "trellis.auth.v1.AuthService/SignIn", form)
    assert done.returncode != 0
    refusal = json.loads(done.stderr)
    assert refusal["code"] == "unauthenticated"
    assert [reason_in(detail) for detail in refusal["details"] if detail["type"] == "google.rpc.ErrorInfo"] == [
        "CREDENTIALS_INVALID"
    ]


def reason_in(detail: dict[str, str]) -> str:
    """Return the reason of an ErrorInfo as buf prints one."""
    text = detail["value"]
    return ErrorInfo.FromString(base64.b64decode(text + "=" * (-len(text) % 4))).reason  # type: ignore[no-any-return]
