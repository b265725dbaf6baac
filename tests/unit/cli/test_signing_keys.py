"""What the operator is told about a rotation."""

from __future__ import annotations

from datetime import timedelta

from cli.commands.signing_keys import _rows, next_steps
from tests.conftest import NOON
from trellis.auth.v1 import signing_key_service_pb2 as rpc


def key(kid: str, signs_in: timedelta, ends_in: timedelta | None = None) -> rpc.SigningKey:
    made = rpc.SigningKey(kid=kid)
    made.create_time.FromDatetime(NOON)
    made.sign_from_time.FromDatetime(NOON + signs_in)
    if ends_in is not None:
        made.retire_time.FromDatetime(NOON + ends_in)
    return made


OLD = key("key_1", timedelta(0), timedelta(minutes=15, seconds=30))
NEW = key("key_2", timedelta(minutes=10))
KEYS = rpc.SigningKeys(keys=[OLD, NEW], signing_kid="key_1")


def test_the_operator_is_told_what_happens_next() -> None:
    assert next_steps(KEYS, NOON) == [
        "Now: key_2 is published.",
        "12:10:00 UTC (in 10 min 0 s): it signs every new token.",
        "12:15:30 UTC (in 15 min 30 s): key_1 is gone; the last token of it has expired.",
    ]


def test_each_key_is_shown_with_what_it_does() -> None:
    shown = [(row["kid"], row["state"], row["retire_time"]) for row in _rows(KEYS)]

    assert shown == [("key_1", "signs", "2026-01-01T12:15:30Z"), ("key_2", "published", "")]
