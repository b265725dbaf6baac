"""A small client of the platform's REST door, and people who use it."""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cli.commands.mails import token_of
from tests.e2e.platform import eventually

PASSWORD = "long enough and not common 7"
_PATIENCE_S = 70.0
"""Longer than the edge's limit per address takes to refill."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as an object."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def reason(self) -> str:
        """The reason of the ErrorInfo; empty if there is none."""
        details = self.json.get("details", [])
        return next((str(d["reason"]) for d in details if d["@type"].endswith("google.rpc.ErrorInfo")), "")

    @property
    def verdict(self) -> tuple[int, str]:
        """Status and reason: what a refusal is compared by."""
        return self.status, self.reason


@dataclass(frozen=True)
class Rest:
    """The REST door. One connection a call: nothing is shared between threads."""

    base: str
    token: str = ""

    def call(
        self,
        verb: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Send one request, as it is written."""
        sent = raw if body is None else json.dumps(body).encode()
        address = urllib.parse.urlsplit(self.base)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=15)
        try:
            connection.request(verb, path, sent, {**self._headers(sent), **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """Read."""
        return self.call("GET", path)

    def post(self, path: str, body: object = None, **more: Any) -> Answer:
        """Make something, or do something with it."""
        return self.call("POST", path, {} if body is None else body, **more)

    def ok(self, verb: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:
        """Return the answer of a call that must succeed."""
        answer = self.call(verb, path, body, **more)
        assert answer.status == 200, (verb, path, answer.status, answer.body)
        return answer.json

    def _headers(self, sent: bytes | None) -> dict[str, str]:
        typed = {"content-type": "application/json"} if sent is not None else {}
        return {**typed, **({"authorization": f"Bearer {self.token}"} if self.token else {})}


@dataclass
class Person:
    """Somebody with an account, and the token they hold now."""

    base: str
    email: str
    tokens: dict[str, Any]
    mail: Path
    """Where the mails of development arrive."""
    organization: str = ""
    password: str = field(default=PASSWORD, repr=False)

    @property
    def name(self) -> str:
        """The resource name of the user."""
        return str(self.tokens["user"])

    @property
    def token(self) -> str:
        """The access token."""
        return str(self.tokens["accessToken"])

    @property
    def refresh_token(self) -> str:
        """The refresh token."""
        return str(self.tokens["refreshToken"])

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What a gRPC call sends along."""
        return (("authorization", f"Bearer {self.token}"),)

    @property
    def rest(self) -> Rest:
        """The REST door with the person's token."""
        return Rest(self.base, self.token)

    def refresh(self) -> Answer:
        """Exchange the refresh token; keep the new tokens if there are any."""
        answer = Rest(self.base).post("/v1/auth:refreshToken", {"refreshToken": self.refresh_token})
        if answer.status == 200:
            self.tokens = answer.json
        return answer

    def sign_in(self, organization: str = "") -> dict[str, Any]:
        """Begin another session and go on with it."""
        form = {"email": self.email, "password": self.password, "organization": organization}
        self.tokens = patient(self.base, "/v1/auth:signIn", form)
        return self.tokens

    def switch(self, organization: str) -> Answer:
        """Let the session work in another organization; the refresh token stays."""
        answer = self.rest.post("/v1/auth:switchOrganization", {"organization": organization})
        if answer.status == 200:
            self.tokens = {**answer.json, "refreshToken": self.refresh_token}
            self.organization = organization
        return answer

    def new_organization(self, display_name: str = "Acme") -> str:
        """Make an organization, switch to it and return its name."""
        name = str(self.rest.ok("POST", "/v1/organizations", {"displayName": display_name})["name"])
        answer = self.switch(name)
        assert answer.status == 200, answer.body
        return name

    def add_member(self, person: Person, role: str = "ROLE_MEMBER") -> str:
        """Invite somebody into the organization this token names, let them accept and return the membership."""
        before = tokens_in_mail(self.mail, person.email, "inv_")
        self.rest.ok("POST", f"/v1/{self.organization}/invitations", {"email": person.email, "role": role})
        token = eventually(lambda: tokens_in_mail(self.mail, person.email, "inv_")[len(before) :])[-1]
        return str(person.rest.ok("POST", "/v1/invitations:accept", {"token": token})["name"])

    def take_in(self, person: Person, role: str = "ROLE_MEMBER") -> str:
        """Make somebody a member without asking them, who is met in another organization; return the membership."""
        path = f"/v1/{self.organization}/memberships"
        return str(self.rest.ok("POST", path, {"user": person.name, "role": role})["name"])


def sign_up(base: str, mail: Path, display_name: str = "Ada", *, email: str = "") -> Person:
    """Sign up, follow the link and sign in."""
    email = email or new_email()
    token = verification_of(base, mail, display_name, email)
    Rest(base).ok("POST", "/v1/auth:verifyEmail", {"token": token, "password": PASSWORD})
    tokens = patient(base, "/v1/auth:signIn", {"email": email, "password": PASSWORD})
    return Person(base, email, tokens, mail)


def verification_of(base: str, mail: Path, display_name: str, email: str) -> str:
    """Sign up and return the token that the mail brings."""
    patient(base, "/v1/auth:signUp", {"email": email, "password": PASSWORD, "displayName": display_name})
    return token_in_mail(mail, email, "vrf_")


def token_in_mail(mail: Path, email: str, prefix: str) -> str:
    """Return the newest token of a kind that was mailed to an address."""
    return eventually(lambda: tokens_in_mail(mail, email, prefix))[-1]


def tokens_in_mail(mail: Path, email: str, prefix: str) -> list[str]:
    """Return the tokens of a kind that were mailed to an address, oldest first."""
    found = [token_of(each) for each in mails_to(mail, email) if "Token:\n" in each["text"]]
    return [token for token in found if token.startswith(prefix)]


def mails_to(mail: Path, email: str) -> list[dict[str, Any]]:
    """Return the mails to an address, oldest first."""
    found: list[dict[str, Any]] = [json.loads(path.read_text()) for path in sorted(mail.glob("*.json"))]
    return [each for each in found if each["to"] == email]


def new_email() -> str:
    """Return an address nobody has."""
    return f"{uuid.uuid4().hex[:16]}@example.com"


def patient(base: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post, and wait as long as the edge asks for when it limits the address."""
    end_s = time.monotonic() + _PATIENCE_S
    while (answer := Rest(base).post(path, body)).status == 429:
        assert time.monotonic() < end_s, answer.body
        time.sleep(min(5.0, float(answer.headers.get("retry-after", "1"))))
    assert answer.status == 200, (path, answer.status, answer.body)
    return answer.json
