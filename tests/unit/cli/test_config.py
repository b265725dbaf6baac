"""What `trellis config` shows of a home and its environment, and what it finds wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cli.home import Home
from cli.main import app
from cli.settings import HIDDEN, TO_COME, Given, faults, given, masked

PASSWORD = "hunter2-of-the-mail-server"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TRELLIS_LOG_LEVEL", "TRELLIS_TRACE_RATIO", "TRELLIS_PORT_BASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRELLIS_HOME", str(tmp_path))


@pytest.fixture
def started(tmp_path: Path) -> Home:
    """A home as a start leaves it."""
    home = Home(tmp_path)
    home.save_ports(15_000)
    for service in ("auth", "user"):
        home.root_secret(service)
        home.service_key(service)
    (tmp_path / "postgres").mkdir()
    return home


def setting(home: Home, name: str, service: str = "auth") -> Given:
    return next(g for g in given(home) if (g.service, g.name) == (service, name))


def test_a_value_knows_where_it_is_from(started: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_LOG_LEVEL", "debug")
    monkeypatch.setenv("TRELLIS_AUTH_VALKEY_URL", "redis://elsewhere:1/0")

    found = {name: setting(started, f"TRELLIS_{name}") for name in ("AUDIENCE", "LOG_LEVEL", "VALKEY_URL", "ROOT_SECRET")}

    assert {name: g.source for name, g in found.items()} == {
        "AUDIENCE": "default",
        "LOG_LEVEL": "environment",
        "VALKEY_URL": "environment",
        "ROOT_SECRET": "home",
    }
    assert found["VALKEY_URL"].where == "TRELLIS_AUTH_VALKEY_URL"
    assert setting(started, "TRELLIS_VALKEY_URL", "user").source == "derived"
    assert setting(started, "TRELLIS_PORT").value == "15005"


def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert setting(Home(tmp_path), "TRELLIS_ROOT_SECRET").value == TO_COME
    assert faults(Home(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("output", ["table", "json", "yaml"])
def test_no_secret_is_shown(started: Home, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    monkeypatch.setenv("TRELLIS_AUTH_MAIL_URL", f"smtp://postman:{PASSWORD}@mail.example.com:587?starttls")
    secrets = [path.read_text() for path in (started.path / "secrets").iterdir()]
    keys = [json.loads(text)["d"] for text in secrets if text.startswith("{")]

    shown = CliRunner().invoke(app, ["config", "show", "-o", output]).stdout

    assert len(secrets) == 4
    assert [secret for secret in [*secrets, *keys, PASSWORD] if secret in shown] == []
    assert HIDDEN in shown
    assert "smtp://postman:***@mail.example.com:587?starttls" in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:pw@127.0.0.1:1/0", "redis://:***@127.0.0.1:1/0"),
        ("redis://token@127.0.0.1/0", "redis://***@127.0.0.1/0"),
        ("postgresql://u:p@h/d?sslmode=require&password=p", "postgresql://u:***@h/d?sslmode=***&password=***"),
        ("https://auth.trellis.local", "https://auth.trellis.local"),
        ("outbox:/var/mail", "outbox:/var/mail"),
        ("http://[broken", HIDDEN),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("TRELLIS_TRACE_RATIO", "7", "less than or equal to 1"),
        ("TRELLIS_DATABASE_POOL_SIZE", "many", "valid integer"),
        ("TRELLIS_STATEMENT_TIMEOUT_S", "0", "more than 0"),
        ("TRELLIS_LOG_LEVEL", "loud", "debug, info, warning, error"),
        ("TRELLIS_AUTH_ROOT_SECRET", "abcd", "shorter than 32 bytes"),
        ("TRELLIS_AUTH_ROOT_SECRET", "not hex", "not written as hex"),
        ("TRELLIS_AUTH_SERVICE_KEY", "{}", "no private JWK"),
        ("TRELLIS_AUTH_SERVICE_KEYS", '{"keys": []}', "lacks the key of auth, user"),
        ("TRELLIS_AUTH_DATABASE_URL", "mysql://x", "begins with postgresql"),
        ("TRELLIS_AUTH_MAIL_URL", "/var/mail", "outbox or smtp or smtps"),
    ],
)
def test_a_fault_is_named_with_its_fix(
    started: Home, monkeypatch: pytest.MonkeyPatch, name: str, value: str, wrong: str
) -> None:
    monkeypatch.setenv(name, value)

    [fault] = faults(started, ["auth"])

    assert fault.fatal
    assert wrong in fault.wrong
    assert fault.fix == f"correct {name} in the environment, or unset it"


def test_a_lost_secret_is_a_fault_once_there_is_data(started: Home) -> None:
    (started.path / "secrets" / "auth.root").unlink()

    [fault] = faults(started)

    assert (fault.service, fault.name) == ("auth", "TRELLIS_ROOT_SECRET")
    assert "backup restore" in fault.fix
    assert not (started.path / "secrets" / "auth.root").exists()


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("TRELLIS_LOG_LEVLE", "did you mean TRELLIS_LOG_LEVEL?"),
        ("TRELLIS_DATABASE_URL", "set TRELLIS_AUTH_DATABASE_URL or TRELLIS_USER_DATABASE_URL"),
    ],
)
def test_what_nobody_reads_is_noted_and_no_failure(
    started: Home, monkeypatch: pytest.MonkeyPatch, name: str, fix: str
) -> None:
    monkeypatch.setenv(name, "x")

    answer = CliRunner().invoke(app, ["config", "check", "-o", "yaml"])

    assert answer.exit_code == 0
    assert [(row["verdict"], row["setting"], row["fix"]) for row in yaml.safe_load(answer.stdout)] == [("note", name, fix)]


def test_a_fault_fails_the_check(started: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELLIS_LOG_LEVEL", "loud")

    answer = CliRunner().invoke(app, ["config", "check", "auth", "-o", "json"])

    assert [row["setting"] for row in json.loads(answer.stdout)] == ["TRELLIS_LOG_LEVEL"]
    assert "would not start" in str(answer.exception)
