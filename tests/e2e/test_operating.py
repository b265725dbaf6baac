"""What an operator does with the command line, on one running platform, from the first sign-in to the backup."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import PASSWORD, Person
from tests.e2e.platform import Platform, eventually
from tests.e2e.system import System

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


# Keys of programs


def test_a_key_is_made_rotated_and_revoked_and_its_secret_shown_once(
    platform: Platform, ada: Person, password_file: str
) -> None:
    said(platform, "token", "issue", "--email", ada.email, "--password-file", password_file)
    done = platform.cli("key", "create", "Nightly", "--scope", "users.list")
    [secret] = done.stdout.splitlines()
    [listed] = said(platform, "key", "list", "--filter", 'display_name = "Nightly"')

    second = said(platform, "key", "rotate", listed["name"], "--overlap-hours", "0")["secret"]
    ended = said(platform, "key", "revoke", listed["name"])

    assert secret not in done.stderr
    assert (listed["hint"], "secret" in listed) == (secret[-4:], False)
    assert second != secret
    assert ended["revoke_time"]
    assert said(platform, "key", "list", "--filter", 'display_name = "Nightly"') == []
    assert [key["name"] for key in said(platform, "key", "list", "--ended")] == [listed["name"]]


@pytest.mark.parametrize("words", [(), ("organizations/org_1/apiKeys/apk_1", "--signing")])
def test_rotating_is_of_one_kind_of_key(platform: Platform, words: tuple[str, ...]) -> None:
    assert platform.cli("key", "rotate", *words).returncode == USAGE


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


# One database out and in


@pytest.mark.parametrize("name", ["user.dump", "user.sql"])
def test_a_database_comes_back_as_it_was_dumped(platform: Platform, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    before = counts(platform)

    assert platform.cli("db", "dump", "user", "-f", str(file)).returncode == OK
    platform.sql("user", "DELETE FROM memberships; CREATE TABLE of_a_later_release ()")
    refused = platform.cli("db", "restore", "auth", str(file), "--yes")
    restored = platform.cli("db", "restore", "user", str(file), "--yes")

    assert (refused.returncode, refused.stdout) == (FAILED, "")
    assert "no dump of auth" in refused.stderr
    assert restored.returncode == OK, restored.stderr
    assert counts(platform) == before
    assert platform.sql("user", "SELECT to_regclass('of_a_later_release')") == ""
    assert file.stat().st_mode & 0o077 == 0
    assert platform.cli("restart", "user").returncode == OK


def test_a_restore_that_cannot_end_changes_nothing(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "user.sql"
    before = counts(platform)
    dumped = platform.cli("db", "dump", "user").stdout
    file.write_text(dumped + "SELECT 1 / 0;\n")

    done = platform.cli("db", "restore", "user", str(file), "--yes")

    assert done.returncode == FAILED
    assert "division by zero" in done.stderr
    assert counts(platform) == before


def test_nobody_is_asked_where_nobody_can_answer(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "user.sql"
    file.write_text(platform.cli("db", "dump", "user").stdout)

    done = platform.cli("db", "restore", "user", str(file))

    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "--yes" in done.stderr


def test_a_backup_without_a_passphrase_is_refused_with_the_way_out(platform: Platform, tmp_path: Path) -> None:
    done = platform.cli("backup", "create", str(tmp_path))

    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "--passphrase-file" in done.stderr
    assert list(tmp_path.iterdir()) == []


# For support


def test_a_support_bundle_holds_no_secret_and_nobody(platform: Platform, ada: Person, bob: Person, tmp_path: Path) -> None:
    home = platform.path
    secrets = {path.name: path.read_text() for path in (home / "secrets").iterdir() if path.suffix != ".conf"}
    keys = [json.loads(text)["d"] for text in secrets.values() if text.startswith("{")]
    people = ["Ada Lovelace-Byron", PASSWORD, ada.email, ada.token, ada.refresh_token, bob.email, "203.0.113.77"]
    planted = [*secrets.values(), *keys, *people]
    with (home / "logs" / "auth.log").open("a") as log:
        log.writelines(json.dumps({"event": f"saw {value}", "display_name": value}) + "\n" for value in planted)
        log.writelines(json.dumps({"event": "seen", "who": value}) + "\n" for value in people)
    with (home / "logs" / "postgres.log").open("a") as log:
        log.writelines(f"ERROR: {value} is wrong\n" for value in [*secrets.values(), *keys, *people[2:]])
        log.writelines(f"DETAIL:  Failing row contains ({value}).\n" for value in planted)

    done = said(platform, "support-bundle", "-f", str(tmp_path / "bundle.tar.gz"))
    shutil.unpack_archive(done["file"], tmp_path / "opened")
    texts = {path.name: path.read_text() for path in (tmp_path / "opened").rglob("*") if path.is_file()}

    assert {name for name, text in texts.items() for value in planted if value in text} == set()
    assert len(secrets) >= 6
    assert json.loads(texts["status.json"])["healthy"] is True
    assert json.loads(texts["migrations.json"])["auth"]["revision"]
    assert json.loads(texts["versions.json"])["postgresql"].startswith("18.")
    assert json.loads(texts["ports.json"])["edge"] == platform.base
    assert '"event": "serving"' in texts["auth.log"]
    assert all("not available" not in text for text in texts.values())


# The backup: last, for it ends the platform and begins it anew


def test_a_wiped_home_comes_back_with_its_people(
    platform: Platform, ada: Person, tmp_path: Path, password_file: str
) -> None:
    phrase = tmp_path / "passphrase"
    phrase.write_text("correct horse battery staple\n")
    sealed = ("--passphrase-file", str(phrase))
    before, refresh_token = counts(platform), ada.refresh_token
    made = said(platform, "backup", "create", str(tmp_path), *sealed)
    running = platform.cli("backup", "restore", made["file"], "--yes", *sealed)

    platform.down()
    eventually(lambda: not System(platform.path).processes(), 10)
    kept = platform.cli("backup", "restore", made["file"], "--yes", *sealed)
    silent = [("db", "status"), ("db", "dump", "user"), ("backup", "create", str(tmp_path), *sealed), ("seed",)]
    assert [platform.cli(*words).returncode for words in silent] == [NOT_READY] * len(silent)
    wiped(platform.path)
    whole = said(platform, "backup", "verify", made["file"], *sealed)
    said(platform, "backup", "restore", made["file"], "--yes", *sealed)
    platform.up()

    assert (running.returncode, kept.returncode) == (FAILED, FAILED)
    assert "Trellis runs" in running.stderr
    assert "is not empty" in kept.stderr
    assert (whole["verdict"], whole["secrets"]) == ("whole", "opened")
    assert counts(Platform(platform.path, platform.base)) == before  # which reads the new password of PostgreSQL
    eventually(lambda: ada.refresh().status == 200, 10)  # auth may need a moment to find user after a start
    assert ada.refresh_token != refresh_token
    issued = said(platform, "token", "issue", "--email", ada.email, "--password-file", password_file)
    assert (issued["user"], issued["organization"]) == (ada.name, ada.organization)


def wiped(home: Path) -> None:
    """Empty a home, as a lost disk does."""
    for path in home.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
