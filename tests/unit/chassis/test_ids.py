"""Ids: their form, their order, and what they are made from."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

from services.chassis.clock import utc_now
from services.chassis.ids import IdGenerator
from tests.conftest import Time


def test_an_id_is_its_prefix_and_26_characters_of_crockford(time: Time) -> None:
    new_id = IdGenerator(time, os.urandom).new

    assert re.fullmatch(r"usr_[0-9abcdefghjkmnpqrstvwxyz]{26}", new_id("usr"))


def test_an_id_is_made_of_the_clock_and_the_entropy_alone() -> None:
    at = datetime.fromtimestamp(1_469_918_176.385, UTC)  # the time of the example in the ULID specification

    new_id = IdGenerator(lambda: at, bytes).new("usr")

    assert new_id == "usr_01aryz6s41" + "0" * 16


def test_ids_of_one_millisecond_count_up(time: Time) -> None:
    new_id = IdGenerator(time, os.urandom).new

    made = [new_id("usr") for _ in range(1000)]

    assert made == sorted(set(made))


def test_ids_grow_with_time(time: Time) -> None:
    new_id = IdGenerator(time, os.urandom).new

    first = new_id("usr")
    time.move(milliseconds=1)
    second = new_id("usr")

    assert first < second
    assert first[:14] != second[:14]


def test_ids_never_go_backwards_with_the_clock(time: Time) -> None:
    new_id = IdGenerator(time, os.urandom).new

    first = new_id("usr")
    time.move(hours=-1)

    assert new_id("usr") > first


def test_a_full_millisecond_goes_on_into_the_next(time: Time) -> None:
    new_id = IdGenerator(time, lambda size: b"\xff" * size).new

    first = new_id("usr")

    assert new_id("usr") > first


def test_the_clock_of_the_machine_is_in_utc() -> None:
    assert utc_now().tzinfo is UTC
