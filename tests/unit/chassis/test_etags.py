"""Etags: strong, quoted, and binding only where they are sent."""

from __future__ import annotations

import pytest

from services.chassis.errors import Aborted
from services.chassis.etags import EtagMismatch, check, etag_of


def test_an_etag_is_quoted_and_tells_versions_apart() -> None:
    assert (etag_of(1), etag_of(26)) == ('"1"', '"1a"')


@pytest.mark.parametrize("sent", ["", etag_of(7)])
def test_no_etag_and_the_right_one_pass(sent: str) -> None:
    check(sent, 7, "users/usr_1")


@pytest.mark.parametrize("sent", [etag_of(6), "7", 'W/"7"', "*", "nonsense"])
def test_any_other_etag_aborts(sent: str) -> None:
    with pytest.raises(EtagMismatch) as refusal:
        check(sent, 7, "users/usr_1")

    assert isinstance(refusal.value, Aborted)
    assert (refusal.value.reason, refusal.value.metadata) == ("ETAG_MISMATCH", {"resource": "users/usr_1"})
