"""Who the command line is signed in as: kept for the owner alone, renewed before it ends, and once even if two ask."""

from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.commands.output import Failed
from cli.home import Home
from cli.profile import NotSignedIn, Profile, profile

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def token_set(number: int, lasts_s: float = 300) -> dict[str, Any]:
    ends = (NOW + timedelta(seconds=lasts_s)).isoformat().replace("+00:00", "Z")
    return {"access_token": f"a{number}", "refresh_token": f"r{number}", "expire_time": ends}


@pytest.fixture
def kept(tmp_path: Path) -> Profile:
    found = profile(Home(tmp_path), "default")
    found.save(token_set(1))
    return found


def never(token: str, request_id: str) -> dict[str, Any]:
    raise AssertionError(token)


def test_a_profile_is_its_owners_alone(kept: Profile) -> None:
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in kept.path.parent.iterdir()] == ["default.json"]


def test_a_token_that_lasts_is_used_as_it_is(kept: Profile) -> None:
    assert kept.fresh(never, lambda: NOW)["access_token"] == "a1"


def test_a_token_about_to_end_is_renewed_and_kept(kept: Profile) -> None:
    asked: list[str] = []

    def refresh(token: str, request_id: str) -> dict[str, Any]:
        asked.append(token)
        return token_set(2, 3600)

    later = NOW + timedelta(seconds=271)

    assert kept.fresh(refresh, lambda: later)["access_token"] == "a2"
    assert kept.fresh(refresh, lambda: later)["access_token"] == "a2"
    assert asked == ["r1"]


def test_two_commands_at_once_spend_one_refresh_token(kept: Profile) -> None:
    asked: list[str] = []

    def refresh(token: str, request_id: str) -> dict[str, Any]:
        asked.append(token)
        return token_set(2, 3600)

    late = [threading.Thread(target=kept.fresh, args=(refresh, lambda: NOW + timedelta(hours=0.5))) for _ in range(8)]
    for each in late:
        each.start()
    for each in late:
        each.join()

    assert asked == ["r1"]


def test_a_switch_brings_no_refresh_token_and_keeps_the_one_there_is(kept: Profile) -> None:
    kept.save({"access_token": "a2", "expire_time": token_set(2)["expire_time"]})

    assert kept.tokens()["refresh_token"] == "r1"


def test_nobody_is_told_how_to_sign_in(tmp_path: Path) -> None:
    with pytest.raises(NotSignedIn, match="trellis token issue"):
        profile(Home(tmp_path), "work").fresh(never)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "", "A", "a" * 41, "a/b"])
def test_a_name_is_no_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot name a profile"):
        profile(Home(tmp_path), name)
