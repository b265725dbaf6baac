"""What an operator does with the command line, on one running platform, from the first sign-in to the backup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import PASSWORD, Person
from tests.e2e.platform import Platform

OK, FAILED, USAGE, NOT_READY = range(4)


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    """A file with the password that everybody has."""
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    return str(file)


def said(platform: Platform, *words: str, stdin: str = "") -> Any:
    """Return what a command answers to programs."""
    done = platform.cli(*words, "-o", "json", stdin=stdin)
    assert done.returncode == OK, done.stderr
    return json.loads(done.stdout)


# Signing in, and looking around


def test_signing_in_prints_the_token_alone(platform: Platform, ada: Person, password_file: str) -> None:
    done = platform.cli("token", "issue", "--email", ada.email, "--password-file", password_file)

    [token] = done.stdout.splitlines()
    assert done.returncode == OK
    assert said(platform, "token", "inspect", token)["claims"]["sub"] == ada.name


def test_the_kept_profile_is_who_looks_around(platform: Platform, ada: Person, bob: Person, password_file: str) -> None:
    issued = said(platform, "token", "issue", "--email", ada.email, "--password-file", password_file)

    members = said(platform, "org", "members")

    assert said(platform, "user", "get")["name"] == issued["user"] == ada.name
    assert said(platform, "org", "get")["name"] == ada.organization
    assert {user["name"] for user in said(platform, "user", "list")} == {ada.name, bob.name}
    assert {(m["user"], m["email"], m["role"]) for m in members} == {
        (ada.name, ada.email, "ROLE_OWNER"),
        (bob.name, bob.email, "ROLE_MEMBER"),
    }


def test_a_new_organization_can_be_worked_in_at_once(platform: Platform, bob: Person, password_file: str) -> None:
    profile = ("--profile", "bob")
    said(platform, "token", "issue", "--email", bob.email, "--password-file", password_file, *profile)

    made = said(platform, "org", "create", "Bob Ltd.", "--use", *profile)

    assert [member["user"] for member in said(platform, "org", "members", *profile)] == [bob.name]
    assert made["name"] in [found["name"] for found in said(platform, "org", "list", *profile)]
    assert platform.cli("org", "use", bob.organization, *profile).returncode == OK
    assert said(platform, "org", "get", *profile)["name"] == bob.organization


def test_a_wrong_password_signs_nobody_in(platform: Platform, ada: Person) -> None:
    done = platform.cli(
        "token", "issue", "--email", ada.email, "--password-file", "-", "--profile", "nobody", stdin="not the password\n"
    )

    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "CREDENTIALS_INVALID" in done.stderr
    assert platform.cli("user", "get", "--profile", "nobody").returncode == FAILED


def test_a_token_of_another_platform_is_told_apart(platform: Platform) -> None:
    from joserfc.jwk import ECKey

    from services.chassis.tokens import ACCESS, sign

    forged = sign(ECKey.generate_key("P-256", {"kid": "key_forged"}), ACCESS, {"sub": "users/usr_1"})
    done = platform.cli("token", "inspect", "-", "-o", "json", stdin=forged)

    assert done.returncode == FAILED
    assert json.loads(done.stdout)["verdict"]["signature"] == "wrong"


# Settings


def test_a_running_platform_has_settings_it_can_use(platform: Platform) -> None:
    shown = said(platform, "config", "show", "auth")

    assert said(platform, "config", "check") == []
    assert {row["source"] for row in shown} == {"default", "derived", "home"}
    assert (platform.path / "secrets" / "auth.root").read_text() not in json.dumps(shown)


# Planting people


def counts(platform: Platform) -> tuple[str, ...]:
    """Return how many accounts, users, organizations and memberships there are."""
    there = [("auth", "accounts"), ("user", "users"), ("user", "organizations"), ("user", "memberships")]
    return tuple(platform.sql(service, f"SELECT count(*) FROM {table}") for service, table in there)


def test_planted_people_can_sign_in_and_belong_together(platform: Platform) -> None:
    done = said(platform, "seed", "--size", "s")
    issued = ("token", "issue", "--email", done["sign_in"], "--password-file", "-", "--profile", "seeded")

    said(platform, *issued, stdin=done["password"])
    members = said(platform, "org", "members", "--profile", "seeded")

    assert (done["users"], done["added"], done["organizations"]) == (20, 20, 3)
    assert [member["role"] for member in members if member["email"] == done["sign_in"]] == ["ROLE_OWNER"]
    assert len(members) == 6
    assert [mail for mail in platform.mail.glob("*.json") if "@s1.example" in mail.read_text()] == []


def test_planting_again_adds_nothing(platform: Platform) -> None:
    before = counts(platform)

    assert said(platform, "seed")["added"] == 0
    (platform.path / "seed" / "s1").unlink()
    assert said(platform, "seed")["added"] == 0
    assert counts(platform) == before


def test_planting_goes_on_where_it_was_cut_short(platform: Platform) -> None:
    before = counts(platform)
    somebody = "SELECT \"user\" FROM accounts WHERE email LIKE '%.3@s1.example'"
    name = platform.sql("auth", somebody)
    platform.sql("user", f"DELETE FROM memberships WHERE \"user\" = '{name}'")
    (platform.path / "seed" / "s1").unlink()

    assert said(platform, "seed")["added"] == 0
    assert counts(platform) == before
