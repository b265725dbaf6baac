"""What a backup promises: whole or not there, nothing changed unnoticed, no secret readable, nothing foreign taken in."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import backup, dumps
from cli.commands.output import Failed
from cli.home import Home

PASSPHRASE = "a phrase that is long enough"
SQL = """\
CREATE TABLE public.{table} (name text);
COPY public.alembic_version (version_num) FROM stdin;
0001_create
\\.
COPY public.{table} (name) FROM stdin;
users/usr_1
users/usr_2
\\.
"""
TABLES = {"auth": "accounts", "user": "users"}
URLS = {name: f"postgresql://u:p@127.0.0.1:1/{name}" for name in TABLES}
Change = Callable[[dict[str, bytes]], None]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "home")
    for service in TABLES:
        found.root_secret(service)
        found.service_key(service)
    (found.path / "secrets" / "postgres.password").write_text("made-anew-by-a-restore")
    return found


@pytest.fixture(autouse=True)
def _dumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for PostgreSQL: a dump is a little SQL."""

    def dumped(directory: Path, service: str, database: dumps.Database) -> dict[str, Any]:
        file = directory / f"{service}.dump"
        file.write_text(SQL.format(table=TABLES[service]))
        rows = {"alembic_version": 1, TABLES[service]: 2}
        return {**backup._measured(file), "revision": "0001_create", "rows": rows}

    monkeypatch.setattr(backup, "_dumped", dumped)
    monkeypatch.setattr(backup, "_SCRYPT", {"n": 1 << 10, "r": 8, "p": 1})


@pytest.fixture
def archive(home: Home, tmp_path: Path) -> Path:
    return backup.create(home, tmp_path, PASSPHRASE, URLS).file


def verified(archive: Path, passphrase: str = PASSPHRASE) -> backup.Backup:
    return backup.verify(archive, Path("/nowhere"), passphrase)


def changed(archive: Path, change: Change) -> Path:
    """Return a copy in which something was changed."""
    with tarfile.open(archive) as old:
        members = {entry.name: old.extractfile(entry).read() for entry in old}  # type: ignore[union-attr]
    change(members)
    copy = archive.with_name("changed.tar")
    with tarfile.open(copy, "w:") as new:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            new.addfile(entry, io.BytesIO(content))
    return copy


def manifest(**values: Any) -> Change:
    """Return a change of the manifest."""

    def change(members: dict[str, bytes]) -> None:
        members[backup.MANIFEST] = json.dumps({**json.loads(members[backup.MANIFEST]), **values}).encode()

    return change


def test_what_was_kept_comes_back(archive: Path, home: Home) -> None:
    found = verified(archive)

    assert found.secrets == {
        path.name: path.read_text() for path in (home.path / "secrets").iterdir() if path.name != "postgres.password"
    }
    assert found.manifest["services"]["user"]["rows"] == {"alembic_version": 1, "users": 2}
    assert archive.stat().st_mode & 0o077 == 0


def test_no_secret_can_be_read_in_it(archive: Path, home: Home) -> None:
    content = archive.read_bytes()
    secrets = [path.read_text() for path in (home.path / "secrets").iterdir()]

    assert len(secrets) == 5
    assert [secret for secret in secrets if secret.encode() in content or secret.encode().hex().encode() in content] == []


def test_without_the_passphrase_all_but_the_secrets_is_checked(archive: Path) -> None:
    assert verified(archive, "").secrets is None


def test_a_wrong_passphrase_opens_nothing(archive: Path) -> None:
    with pytest.raises(Failed, match="passphrase is wrong"):
        verified(archive, "another phrase that is long")


@pytest.mark.parametrize("member", ["auth.dump", "user.dump", "secrets.sealed"])
def test_a_changed_byte_is_noticed(archive: Path, member: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        members[member] = members[member][:-9] + b"x" + members[member][-8:]

    with pytest.raises(Failed, match=rf"damaged or changed: {member}"):
        verified(changed(archive, change), "")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_half_an_archive_is_none(archive: Path, share: float) -> None:
    content = archive.read_bytes().rstrip(b"\0")  # tar ends with padding, which nobody misses
    archive.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(Failed, match="no whole backup"):
        verified(archive, "")


def test_a_dump_that_was_exchanged_with_its_hashes_breaks_the_seal(archive: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        import hashlib

        members["user.dump"] = members["user.dump"].replace(b"usr_2", b"usr_9")
        found = json.loads(members[backup.MANIFEST])
        found["services"]["user"]["sha256"] = hashlib.sha256(members["user.dump"]).hexdigest()
        members[backup.MANIFEST] = json.dumps(found).encode()

    with pytest.raises(Failed, match="manifest was changed"):
        verified(changed(archive, change))


def test_rows_are_counted_again(archive: Path) -> None:
    services = json.loads(_member(archive, backup.MANIFEST))["services"]
    services["user"]["rows"]["users"] = 3

    with pytest.raises(Failed, match="does not hold the rows"):
        verified(changed(archive, manifest(services=services)), "")


def test_what_was_added_is_not_overlooked(archive: Path) -> None:
    with pytest.raises(Failed, match=r"evil\.sql is missing or was added"):
        verified(changed(archive, lambda members: members.update({"evil.sql": b""})), "")


def test_nothing_is_unpacked_outside(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="no whole backup"):
        verified(changed(archive, lambda members: members.update({"../../outside": b"x"})), "")
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (manifest(format=2), "has the format 2"),
        (manifest(versions={"postgresql": "19.1", "trellis": "9"}), "PostgreSQL 19"),
        (manifest(services={"invoice": {"file": "x", "revision": "0001_create"}}), "does not have: invoice"),
        (manifest(services={"auth": {"file": "auth.dump", "revision": "9999_future"}}), "9999_future"),
    ],
)
def test_a_foreign_version_is_refused_by_its_name(archive: Path, change: Change, why: str) -> None:
    with pytest.raises(Failed, match=why):
        verified(changed(archive, change), "")


def test_a_short_passphrase_keeps_nothing(home: Home, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="12 characters"):
        backup.create(home, tmp_path, "short", URLS)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_an_interrupted_backup_leaves_nothing_that_looks_whole(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def interrupted(part: Path, *_: Any) -> None:
        part.write_bytes(b"half")
        seen.append([path.name for path in tmp_path.glob("*.tar")])
        raise KeyboardInterrupt

    monkeypatch.setattr(backup, "_pack", interrupted)

    with pytest.raises(KeyboardInterrupt):
        backup.create(home, tmp_path, PASSPHRASE, URLS)
    assert seen == [[]]
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_used_home_is_not_touched(archive: Path, home: Home) -> None:
    before = {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}

    with pytest.raises(Failed, match=r"is not empty \(secrets\)"):
        backup.restore(archive, home, PASSPHRASE)
    assert {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()} == before


def test_a_refused_restore_leaves_the_home_empty(archive: Path, tmp_path: Path) -> None:
    empty = Home(tmp_path / "empty")

    with pytest.raises(Failed, match="passphrase is wrong"):
        backup.restore(archive, empty, "another phrase that is long")
    assert list(empty.path.iterdir()) == []


def _member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as opened:
        content = opened.extractfile(name)
        assert content is not None
        return content.read()
