"""Reading the outbox of development."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

RUNNER = CliRunner()
MAILS = [
    {"id": "m1", "to": "ada@example.com", "subject": "Verify", "text": "Hello\n\nToken:\nt-ada\n\nBye\n"},
    {"id": "m2", "to": "bob@example.com", "subject": "Welcome", "text": "Hello\n"},
]


@pytest.fixture(autouse=True)
def _outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mail").mkdir()
    for minute, mail in enumerate(MAILS):
        written = {**mail, "time": f"2026-01-01T00:0{minute}:00+00:00"}
        (tmp_path / "mail" / f"20260101T000{minute}-{mail['id']}.json").write_text(json.dumps(written))
    monkeypatch.setenv("TRELLIS_HOME", str(tmp_path))


@pytest.mark.parametrize("command", [["mail", "-o", "json"], ["mail", "list", "-o", "json"]])
def test_mails_are_listed_newest_last(command: list[str]) -> None:
    answer = RUNNER.invoke(app, command)

    assert [mail["id"] for mail in json.loads(answer.stdout)] == ["m1", "m2"]


@pytest.mark.parametrize("which", ["m1", "ada@example.com"])
def test_the_link_of_a_mail_is_its_token_and_nothing_else(which: str) -> None:
    assert RUNNER.invoke(app, ["mail", "show", which, "--link"]).stdout == "t-ada\n"


def test_the_latest_mail_is_shown_whole() -> None:
    assert RUNNER.invoke(app, ["mail", "show"]).stdout == "To: bob@example.com\nSubject: Welcome\n\nHello\n"


@pytest.mark.parametrize(("which", "why"), [("latest", "carries no token"), ("m9", "no mail for m9")])
def test_a_token_that_is_not_there_is_a_failure_that_says_so(which: str, why: str) -> None:
    answer = RUNNER.invoke(app, ["mail", "show", which, "--link"])

    assert answer.stdout == ""
    assert why in str(answer.exception)
