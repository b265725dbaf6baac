"""What `trellis token inspect` says of a token, and that it says nothing to anybody else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from joserfc.jwk import ECKey, OctKey
from typer.testing import CliRunner

from cli.commands.output import Failed
from cli.inspection import GOOD, UNKNOWN, WRONG, described, in_words, inspect
from cli.main import app
from services.chassis.tokens import ACCESS, public_set, sign

KEY = ECKey.generate_key("P-256", {"kid": "key_1"})
CLAIMS = {"sub": "users/usr_1", "iat": 1_000, "exp": 1_300}
TOKEN = sign(KEY, ACCESS, CLAIMS)


def published(*keys: ECKey) -> Callable[[], bytes]:
    return lambda: public_set([*keys])


def unreachable() -> bytes:
    raise OSError("nobody is there")


def test_a_token_is_decoded_and_checked() -> None:
    found = inspect(TOKEN, published(KEY))

    assert (found.kind, found.claims, found.signature) == (ACCESS, CLAIMS, GOOD)
    assert found.header["kid"] == "key_1"


def test_times_are_told_in_words() -> None:
    told = described(inspect(TOKEN, published(KEY)), now_s=1_070)

    assert told["times"] == {"issued": "1 minute 10 seconds ago", "good until": "in 3 minutes 50 seconds"}


@pytest.mark.parametrize(
    ("distance_s", "words"),
    [
        (0.2, "now"),
        (1, "in 1 second"),
        (-61, "1 minute 1 second ago"),
        (90_000, "in 1 day 1 hour"),
        (-86_401, "1 day 1 second ago"),
    ],
)
def test_a_distance_in_words(distance_s: float, words: str) -> None:
    assert in_words(distance_s) == words


def test_a_key_of_the_same_name_that_did_not_sign_is_found_out() -> None:
    other = ECKey.generate_key("P-256", {"kid": "key_1"})

    assert inspect(TOKEN, published(other)).signature == WRONG


def test_an_unknown_key_is_wrong_and_an_unreachable_set_leaves_it_open() -> None:
    other = ECKey.generate_key("P-256", {"kid": "key_2"})

    assert inspect(TOKEN, published(other)).signature == WRONG
    assert inspect(TOKEN, unreachable).signature == UNKNOWN


def test_another_algorithm_is_wrong_without_asking_for_keys() -> None:
    from joserfc import jws

    token = jws.serialize_compact({"alg": "HS256"}, b"{}", OctKey.generate_key(256), algorithms=["HS256"])

    def asked() -> bytes:
        raise AssertionError

    assert inspect(token, asked).signature == WRONG


@pytest.mark.parametrize(("token", "kind"), [("trr_usr_1.3.mac", "refresh token"), ("vrf_sup_1.mac", "link of")])
def test_a_token_that_is_no_jwt_says_what_it_is_for(token: str, kind: str) -> None:
    found = inspect(token, unreachable)

    assert found.kind.startswith(kind)
    assert found.signature == UNKNOWN
    assert "mac" not in json.dumps(found.claims)


@pytest.mark.parametrize("text", ["", "secret", "a.b", "a.b.c", "e30.W10.x", pytest.param(f"{TOKEN}.x.y", id="five parts")])
def test_what_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Failed, match="no token") as refused:
        inspect(text, unreachable)
    assert "secret" not in str(refused.value)


def test_a_token_can_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.inspection.published_keys", lambda base: public_set([KEY]))

    done = CliRunner().invoke(app, ["token", "inspect", "-", "-o", "json"], input=TOKEN + "\n")

    assert json.loads(done.stdout)["claims"] == CLAIMS
    assert json.loads(done.stdout)["verdict"]["signature"] == GOOD
