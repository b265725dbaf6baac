"""A backup: one archive with every service's database as of one moment each, and the home's secrets under a passphrase.

What is in it: `manifest.json` (versions, sizes, hashes, revisions, rows), one dump a service, `secrets.sealed`. What is not:
Valkey (limits, caches, and events that were published and not yet taken), mail, logs, and what is set by the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cli import dumps, versions
from cli.commands.output import Failed
from cli.engines.postgres import MAJOR, PostgresEngine
from cli.engines.process import running
from cli.engines.secret import write_private
from cli.engines.services import database_of
from cli.home import SERVICES, Home

FORMAT = 1
MANIFEST, SEALED = "manifest.json", "secrets.sealed"
SHORTEST_PASSPHRASE = 12
REMADE = frozenset({"postgres.password", "valkey.password", "valkey.conf"})  # a restored home gets its own
UNFINISHED = "restore.part"
_SCRYPT = {"n": 1 << 17, "r": 8, "p": 1}  # 128 MiB and half a second for each guess
_NONCE_BYTES, _SALT_BYTES = 12, 16
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """An archive that was read and found whole."""

    file: Path
    manifest: dict[str, Any]
    secrets: dict[str, str] | None
    """The home's secrets by file name; None where no passphrase was given."""


def create(here: Home, directory: Path, passphrase: str, urls: Mapping[str, str]) -> Backup:
    """Write an archive into a directory. Raises Failed; OSError if a database does not answer."""
    _refuse_short(passphrase)
    now = datetime.now(UTC).replace(microsecond=0)
    file = directory / f"trellis-{now:%Y%m%dT%H%M%SZ}.tar"
    if not directory.is_dir():
        raise Failed(f"{directory} is no directory; make it first.")
    programs = PostgresEngine(here.path, here.ports["postgres"]).programs
    with tempfile.TemporaryDirectory(prefix=f"{file.name}.", suffix=".part", dir=directory) as draft:
        services = {name: _dumped(Path(draft), name, dumps.Database(programs, urls[name])) for name in SERVICES}
        head = {"format": FORMAT, "create_time": now.isoformat(), "versions": versions.versions(), "services": services}
        secrets = _secrets_of(here)
        sealed = _seal(secrets, passphrase, context=_canonical(head))
        write_private(Path(draft) / SEALED, json.dumps(sealed))
        manifest = {**head, "secrets": _measured(Path(draft) / SEALED), "outside": outside()}
        with dumps.whole(file) as part:
            _pack(part, Path(draft), manifest)
    return Backup(file, manifest, secrets)


def verify(file: Path, programs: Path, passphrase: str = "") -> Backup:
    """Read everything again: hashes, every row of every dump, and with the passphrase the secrets. Raises Failed."""
    with unpacked(file) as (directory, manifest):
        return _verified(file, directory, manifest, programs, passphrase)


def restore(file: Path, here: Home, passphrase: str) -> Backup:
    """Make an empty home what a backup says. Raises Failed; then the home is as empty as it was."""
    refuse_used(here)
    here.path.mkdir(parents=True, exist_ok=True)
    draft = here.path / UNFINISHED
    _remove(draft)
    try:
        engine = PostgresEngine(draft, here.ports["postgres"])
        with unpacked(file) as (directory, manifest):
            backup = _verified(file, directory, manifest, engine.programs, passphrase)
            _fill(engine, directory, manifest)
        for name, text in (backup.secrets or {}).items():
            write_private(draft / "secrets" / name, text)
        for part in ("postgres", "secrets"):  # the secrets last: without them nothing starts
            (draft / part).rename(here.path / part)
        here.save_ports(None)
    finally:
        _remove(draft)
    return backup


def refuse_used(here: Home) -> None:
    """Raises Failed unless the home has neither data nor secrets."""
    there = [name for name in ("postgres", "secrets") if os.path.lexists(here.path / name)]
    if there:
        raise Failed(
            f"{here.path} is not empty ({' and '.join(there)}): a backup is restored into an empty home. Choose another "
            f"with TRELLIS_HOME, or move these away."
        )


@contextlib.contextmanager
def unpacked(file: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give the files of an archive, in a private directory, and its manifest. Raises Failed if it is none of ours."""
    with tempfile.TemporaryDirectory(prefix="trellis-backup-") as directory:
        try:
            with tarfile.open(file, "r:") as archive:
                _unpack(archive, Path(directory))
            manifest = json.loads((Path(directory) / MANIFEST).read_text())
        except OSError as error:
            raise Failed(f"{file} cannot be read: {error.strerror or error}.") from None
        except (tarfile.TarError, ValueError) as error:
            raise Failed(f"{file} is no whole backup: {error}.") from None
        _refuse_foreign(file, manifest)
        yield Path(directory), manifest


def _unpack(archive: tarfile.TarFile, directory: Path) -> None:
    """Take out plain files, by plain names: `extractall` has its filter only since Python 3.11.4. Raises TarError."""
    for member in archive:
        content = archive.extractfile(member) if member.isfile() else None
        if content is None or Path(member.name).name != member.name:
            raise tarfile.TarError(f"{member.name!r} would be more than a file beside the others")
        with content, (directory / member.name).open("xb") as target:
            shutil.copyfileobj(content, target)


def _verified(file: Path, directory: Path, manifest: dict[str, Any], programs: Path, passphrase: str) -> Backup:
    parts = [*manifest["services"].values(), manifest["secrets"]]
    unexpected = {path.name for path in directory.iterdir()} ^ {MANIFEST, *(part["file"] for part in parts)}
    if unexpected:
        raise Failed(f"{file} is no whole backup: {', '.join(sorted(unexpected))} is missing or was added.")
    for part in parts:
        if _measured(directory / part["file"]) != {key: part[key] for key in ("file", "bytes", "sha256")}:
            raise Failed(f"{file} was damaged or changed: {part['file']} is not what the manifest says.")
    for service, part in manifest["services"].items():
        found = dumps.contents(programs, directory / part["file"])
        if (found.rows, found.revision) != (part["rows"], part["revision"]):
            raise Failed(f"{file}: the dump of {service} does not hold the rows that the manifest counts.")
    secrets = None
    if passphrase:
        secrets = _open(json.loads((directory / SEALED).read_text()), passphrase, context=_canonical(_head(manifest)))
    return Backup(file, manifest, secrets)


def _fill(engine: PostgresEngine, directory: Path, manifest: dict[str, Any]) -> None:
    """Fill a new PostgreSQL, and count again what is in it."""
    with running(engine):
        for service, part in manifest["services"].items():
            engine.create_database(database_of(service))
            url = engine.url(database_of(service))
            dumps.Database(engine.programs, url).fill(directory / part["file"])
            if dumps.rows_of(url) != part["rows"]:
                raise Failed(f"{service} did not come back whole; nothing was restored.")


def _dumped(directory: Path, service: str, database: dumps.Database) -> dict[str, Any]:
    """Dump one database and count its rows at the same moment."""
    file = directory / f"{service}.dump"

    async def work() -> dumps.Moment:
        async with dumps.moment(database.url) as seen:
            await asyncio.to_thread(database.dump, file, snapshot=seen.snapshot)
            found: dumps.Moment = seen
            return found

    seen = asyncio.run(work())
    return {**_measured(file), "revision": seen.revision, "rows": seen.rows}


def _secrets_of(here: Home) -> dict[str, str]:
    files = sorted(path for path in (here.path / "secrets").iterdir() if path.name not in REMADE and path.suffix != ".part")
    return {path.name: path.read_text() for path in files}


def outside() -> list[str]:
    """Return the variables that stand in for what a home would hold: their values are not in the backup."""
    own = [
        f"TRELLIS_{service.upper()}_{name}"
        for service in SERVICES
        for name in ("ROOT_SECRET", "SERVICE_KEY", "DATABASE_URL")
    ]
    return [name for name in own if name in os.environ]


def _pack(part: Path, directory: Path, manifest: dict[str, Any]) -> None:
    with tarfile.open(part, "w:") as archive:
        text = json.dumps(manifest, indent=1).encode()
        archive.addfile(_entry(MANIFEST, len(text)), io.BytesIO(text))
        for name in [*(entry["file"] for entry in manifest["services"].values()), SEALED]:
            with (directory / name).open("rb") as content:
                archive.addfile(_entry(name, (directory / name).stat().st_size), content)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def _measured(file: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    return {"file": file.name, "bytes": file.stat().st_size, "sha256": digest.hexdigest()}


def _head(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what the seal vouches for: all but the seal's own measure."""
    return {key: manifest[key] for key in ("format", "create_time", "versions", "services")}


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _seal(secrets: dict[str, str], passphrase: str, *, context: bytes) -> dict[str, Any]:
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    cipher = AESGCM(_key(passphrase, salt, _SCRYPT))
    text = cipher.encrypt(nonce, json.dumps(secrets).encode(), context)
    return {"kdf": {"scrypt": _SCRYPT}, "salt": salt.hex(), "nonce": nonce.hex(), "sealed": text.hex()}


def _open(sealed: dict[str, Any], passphrase: str, *, context: bytes) -> dict[str, str]:
    if sealed["kdf"] != {"scrypt": _SCRYPT}:  # never what a file asks for: it could ask for all memory
        raise Failed(
            "the secrets were sealed in a way that this version does not know; use the version that made the backup."
        )
    cipher = AESGCM(_key(passphrase, bytes.fromhex(sealed["salt"]), _SCRYPT))
    try:
        opened = cipher.decrypt(bytes.fromhex(sealed["nonce"]), bytes.fromhex(sealed["sealed"]), context)
    except InvalidTag:
        raise Failed("the passphrase is wrong, or the manifest was changed after the backup was made.") from None
    found: dict[str, str] = json.loads(opened)
    if any(Path(name).name != name for name in found):
        raise Failed("the secrets name files outside of their directory.")
    return found


def _key(passphrase: str, salt: bytes, cost: dict[str, int]) -> bytes:
    return Scrypt(salt=salt, length=32, **cost).derive(passphrase.encode())


def _refuse_short(passphrase: str) -> None:
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise Failed(f"the passphrase is too short: use {SHORTEST_PASSPHRASE} characters or more, and keep it elsewhere.")


def _refuse_foreign(file: Path, manifest: dict[str, Any]) -> None:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else None
        raise Failed(f"{file} has the format {found}, this version reads {FORMAT}: use the version that made it.")
    made_by = str(manifest["versions"]["postgresql"]).partition(".")[0]
    if not made_by.isdigit() or int(made_by) > int(MAJOR):
        raise Failed(f"{file} was made with PostgreSQL {made_by}, this is {MAJOR}: use the version that made it.")
    if unknown := set(manifest["services"]) - set(SERVICES):
        raise Failed(f"{file} holds services that this version does not have: {', '.join(sorted(unknown))}.")
    for service, part in manifest["services"].items():
        dumps.refuse_unknown(service, part["revision"])


def _remove(draft: Path) -> None:
    """Remove an unfinished restore, also the data that its link points to."""
    if (draft / "postgres").is_symlink():
        shutil.rmtree((draft / "postgres").resolve().parent, ignore_errors=True)
    shutil.rmtree(draft, ignore_errors=True)
