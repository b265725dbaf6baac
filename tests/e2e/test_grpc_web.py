"""What a browser does: grpc-web, from Python always, from node where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from google.protobuf.message import Message
from trellis.auth.v1.resources_pb2 import TokenSet
from trellis.auth.v1.service_pb2 import SignInRequest
from trellis.user.v1.resources_pb2 import User
from trellis.user.v1.service_pb2 import GetUserRequest

from tests.e2e.client import PASSWORD, Person, Rest
from tests.e2e.platform import Platform

GET_USER = "/trellis.user.v1.UserService/GetUser"
SIGN_IN = "/trellis.auth.v1.AuthService/SignIn"
SCRIPT = Path(__file__).parent / "grpc_web" / "call.mjs"
OK, UNAUTHENTICATED, PERMISSION_DENIED = (
    code.value[0] for code in (grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
)


@dataclass(frozen=True)
class Reply:
    """What a grpc-web client sees."""

    status: int
    content: bytes


Client = Callable[[str, str, str, Message], Reply]


def by_python(base: str, path: str, token: str, request: Message) -> Reply:
    """Call with what the standard library has."""
    text = request.SerializeToString()
    headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    answer = Rest(base, token).call("POST", path, raw=b"\0" + len(text).to_bytes(4) + text, headers=headers)
    found = dict(_frames(answer.body))
    trailers = dict(line.split(":", 1) for line in found.get(0x80, b"").decode().split("\r\n") if line)
    return Reply(int(trailers.get("grpc-status") or answer.headers["grpc-status"]), found.get(0, b""))


def by_node(base: str, path: str, token: str, request: Message) -> Reply:
    """Call with node's fetch."""
    words = ["node", str(SCRIPT), base + path, token, request.SerializeToString().hex()]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    found = json.loads(done.stdout)
    return Reply(found["status"], bytes.fromhex(found["reply"]))


def _frames(body: bytes) -> Iterator[tuple[int, bytes]]:
    while body:
        end = 5 + int.from_bytes(body[1:5])
        yield body[0], body[5:end]
        body = body[end:]


without_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")
both = pytest.mark.parametrize("client", [by_python, pytest.param(by_node, marks=without_node)])


@both
def test_a_browser_signs_in(client: Client, platform: Platform, ada: Person) -> None:
    reply = client(platform.rest, SIGN_IN, "", SignInRequest(email=ada.email, password=PASSWORD))
    assert reply.status == OK
    assert TokenSet.FromString(reply.content).user == ada.name


@both
def test_a_browser_reads_its_user(client: Client, platform: Platform, ada: Person) -> None:
    reply = client(platform.rest, GET_USER, ada.token, GetUserRequest(name="users/me"))
    assert reply.status == OK
    assert User.FromString(reply.content).email == ada.email


@both
def test_a_browser_without_a_token_is_turned_away(client: Client, platform: Platform) -> None:
    assert client(platform.rest, GET_USER, "", GetUserRequest(name="users/me")) == Reply(UNAUTHENTICATED, b"")


@both
def test_a_browser_learns_what_is_not_permitted(client: Client, platform: Platform, ada: Person) -> None:
    assert client(platform.rest, GET_USER, ada.token, GetUserRequest(name="users/usr_x")) == Reply(PERMISSION_DENIED, b"")
