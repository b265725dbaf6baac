"""What travels when data is exported or erased: encrypted documents, and reports that read back as they were written."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.errors import JoseError

from services.chassis.bus.reader import DEAD_LETTERS_KEPT, KEPT
from services.chassis.db.relay import ANSWERS_KEPT, PURGE_EVERY_S
from services.chassis.keys import Keyring
from services.chassis.personal_data import EVERYWHERE, ErasedRecords, ErasureReport, KeptRecords, kept_everywhere
from services.chassis.personal_data.sealed import open_sealed, public_jwk, seal
from tests.conftest import NOON

KEYRING = Keyring(bytes(range(32)))
MINE, OTHER = (KEYRING.ec_key(f"answers:{name}", "ECDH-ES") for name in ("mine", "other"))
times = st.none() | st.datetimes(timezones=st.just(NOON.tzinfo))
names = st.lists(st.text(max_size=5), max_size=3).map(tuple)
reports = st.builds(
    ErasureReport,
    st.lists(st.builds(ErasedRecords, st.text(), st.integers(0), names, names), max_size=3).map(tuple),
    st.lists(st.builds(KeptRecords, st.text(), st.text(), times), max_size=3).map(tuple),
)


@given(st.binary(min_size=1))
def test_what_is_sealed_to_a_key_is_opened_by_its_private_half(document: bytes) -> None:
    assert open_sealed(MINE, seal(public_jwk(MINE), document)) == document


def test_nobody_else_opens_it() -> None:
    sealed = seal(public_jwk(MINE), b"Ada")

    with pytest.raises(JoseError):
        open_sealed(OTHER, sealed)
    assert b"Ada" not in base64.urlsafe_b64decode(sealed.split(".")[3] + "==")


def test_no_byte_of_it_can_be_changed() -> None:
    header, key, nonce, text, tag = seal(public_jwk(MINE), b"Ada Lovelace").split(".")
    flipped = "A" if text[0] != "A" else "B"

    with pytest.raises((JoseError, ValueError)):
        open_sealed(MINE, ".".join((header, key, nonce, flipped + text[1:], tag)))


def test_a_question_carries_no_private_key() -> None:
    assert "d" not in json.loads(public_jwk(MINE))


@given(reports)
def test_a_report_reads_back_as_it_was_written(report: ErasureReport) -> None:
    assert ErasureReport.from_json(report.to_json()) == report


def test_what_is_kept_everywhere_is_promised_no_earlier_than_it_goes() -> None:
    kept = {each.record: each.end_time for each in kept_everywhere(NOON)}

    assert kept.keys() == EVERYWHERE.keys()
    assert kept["events"] >= NOON + KEPT + timedelta(hours=1)  # type: ignore[operator]
    assert kept["dead letters"] >= NOON + DEAD_LETTERS_KEPT + timedelta(hours=1)  # type: ignore[operator]
    assert kept["first answers"] >= NOON + ANSWERS_KEPT + timedelta(seconds=PURGE_EVERY_S)  # type: ignore[operator]
