"""What may leave in a report: no secret, no token, nobody's address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.home import Home
from cli.redaction import HIDDEN, Redactor, secrets_of

NOTHING = Redactor([])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("sign-in of ada.lovelace+x@example.com failed", f"sign-in of {HIDDEN} failed"),
        ("authorization: Bearer abc.def", f"authorization: {HIDDEN}"),
        ("got eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2Vycy91In0.sig-na_ture", f"got {HIDDEN}"),
        ("refresh trr_usr_1.ses_2.3.AbC-_9 used twice", f"refresh {HIDDEN} used twice"),
        ("link vrf_sup_1.Mac", f"link {HIDDEN}"),
        ("postgresql://trellis:pw@127.0.0.1:5432/trellis_auth", f"postgresql://{HIDDEN}127.0.0.1:5432/trellis_auth"),
        ("password=hunter2 next", f"password={HIDDEN} next"),
        ("hash $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", f"hash {HIDDEN}"),
        ("Key (email)=(x) already exists", f"Key (email)=({HIDDEN}) already exists"),
        ("WHERE email = 'o''neil' AND x", f"WHERE email = {HIDDEN} AND x"),
        ("from 203.0.113.9 to 127.0.0.1", f"from {HIDDEN} to 127.0.0.1"),
        ("key " + "ab" * 32, f"key {HIDDEN}"),
        ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace 4bf92f3577b34da6a3ce929d0e0e4736"),
        (
            "/trellis.user.v1.OrganizationService/CreateOrganization",
            "/trellis.user.v1.OrganizationService/CreateOrganization",
        ),
    ],
)
def test_what_looks_secret_or_personal_goes(text: str, left: str) -> None:
    assert NOTHING.text(text) == left


def test_a_secret_goes_in_every_form_it_is_written_in() -> None:
    redactor = Redactor(['p@ss "word"/9'])

    assert redactor.text('p@ss "word"/9') == HIDDEN
    assert "word" not in redactor.text("redis://:" + "p%40ss%20%22word%22%2F9" + " and " + json.dumps('p@ss "word"/9'))


def test_of_a_log_line_the_harmless_fields_stay() -> None:
    line = json.dumps({"event": "call", "code": "OK", "ms": 3.5, "who": "Ada", "rpc": {"a": 1}, "reason": "Ada Lovelace"})

    kept = json.loads(NOTHING.line(line))

    assert kept == {"event": "call", "code": "OK", "ms": 3.5, "rpc": HIDDEN, "reason": HIDDEN, "left_out": ["who"]}


def test_of_an_exception_the_places_stay_and_its_words_go() -> None:
    frame = {"filename": "/home/ada/trellis/services/auth/store/accounts.py", "lineno": 7, "name": "add"}
    line = json.dumps({"event": "x", "exception": [{"exc_type": "UniqueViolation", "exc_value": "Ada", "frames": [frame]}]})

    assert json.loads(NOTHING.line(line))["exception"] == ["UniqueViolation at accounts.py:7 add"]


def test_rows_that_postgresql_quotes_go_whole() -> None:
    assert NOTHING.line("DETAIL:  Failing row contains (usr_1, Ada Lovelace, null).") == HIDDEN


def test_a_home_knows_its_secrets(tmp_path: Path) -> None:
    home = Home(tmp_path)
    root, key = home.root_secret("auth"), json.loads(home.service_key("auth"))
    (tmp_path / "secrets" / "valkey.conf").write_text("port 1\nrequirepass hidden-from-everybody\n")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "default.json").write_text('{"access_token": "aaa.bbb", "user": "users/usr_1"}')

    found = secrets_of(home)

    assert {root, key["d"], "hidden-from-everybody", "aaa.bbb"} <= found
    assert "users/usr_1" not in found
