"""A platform of its own for the benchmarks, and one person who is signed in to it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.engines.postgres import PostgresEngine
from cli.home import ROOT, Home

PASSWORD = "a long enough passphrase"


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform."""

    home: Home
    env: dict[str, str]

    @property
    def user_database_url(self) -> str:
        return PostgresEngine(self.home.path, self.home.ports["postgres"]).url("trellis_user")

    @property
    def auth_database_url(self) -> str:
        return PostgresEngine(self.home.path, self.home.ports["postgres"]).url("trellis_auth")

    def sql(self, statements: str) -> None:
        """Run statements on the user service's database."""
        PostgresEngine(self.home.path, self.home.ports["postgres"]).sql(statements, "trellis_user")

    def post(self, path: str, body: Mapping[str, Any], token: str = "") -> dict[str, Any]:
        """POST JSON to the edge."""
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
        request = urllib.request.Request(self.home.endpoints["rest"] + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def jwks(self) -> str:
        """Return auth's public keys."""
        with urllib.request.urlopen(self.home.endpoints["rest"] + "/.well-known/jwks.json") as answer:
            return str(answer.read().decode())

    def sign_in(self) -> tuple[str, str]:
        """Return a new person's name and access token."""
        return self._session(self.sign_up())

    def join(self, organization: str, owner: str) -> tuple[str, str]:
        """Let the holder of a token invite a new person, who accepts; their name and access token."""
        email = self.sign_up()
        self.post(f"/v1/{organization}/invitations", {"email": email, "role": "ROLE_MEMBER"}, owner)
        user, token = self._session(email)
        self.post("/v1/invitations:accept", {"token": self._token_for(email, "inv_")}, token)
        return user, token

    def _session(self, email: str) -> tuple[str, str]:
        tokens = self.post("/v1/auth:signIn", {"email": email, "password": PASSWORD})
        return str(tokens["user"]), str(tokens["accessToken"])

    def sign_up(self) -> str:
        """Return a new person's address; it is verified."""
        email = f"bench-{time.time_ns()}@example.com"
        self.post("/v1/auth:signUp", {"email": email, "password": PASSWORD, "displayName": "Bench"})
        self.post("/v1/auth:verifyEmail", {"token": self._token_for(email, "vrf_"), "password": PASSWORD})
        return email

    def _token_for(self, email: str, kind: str) -> str:
        end_s = time.monotonic() + 10
        while time.monotonic() < end_s:
            for path in self.home.mail.glob("*.json"):
                mail = json.loads(path.read_text())
                token = mail["text"].partition("Token:\n")[2].lstrip()
                if mail["to"] == email and token.startswith(kind):
                    return str(token.split()[0])
            time.sleep(0.02)
        raise TimeoutError("no mail came")

    def trellis(self, *arguments: str) -> None:
        """Run the command line against this platform."""
        subprocess.run([sys.executable, "-m", "cli", *arguments], env=self.env, check=True, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def platform(**settings: str) -> Iterator[Platform]:
    """Run a platform in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="trellis-bench-") as directory:
        Path(directory).chmod(0o755)  # PostgreSQL runs as nobody when we are root
        env = {**os.environ, **settings, "TRELLIS_HOME": directory, "PYTHONPATH": f"{ROOT}:{ROOT}/gen/python"}
        running = Platform(Home(Path(directory)), env)
        running.trellis("up", "--detach")
        try:
            yield running
        finally:
            running.trellis("down")


@contextlib.contextmanager
def baseline(name: str, **settings: str) -> Iterator[int]:
    """Run one of the baselines and return its port."""
    port = free_port()
    env = {**os.environ, **settings, "PYTHONPATH": f"{ROOT}:{ROOT}/gen/python"}
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen([sys.executable, "-m", "benchmarks.baselines", name, str(port)], env=env, stdout=log)
        try:
            _await_port(port)
            yield port
        finally:
            child.kill()
            child.wait()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int) -> None:
    end_s = time.monotonic() + 20
    while time.monotonic() < end_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")
