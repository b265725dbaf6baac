"""Where PostgreSQL can live when we are root: it refuses root, runs as `nobody`, and `nobody` may not enter root's home.

A checkout or virtual environment under a 0700 directory works all the same: the server's files (41 MB, once a version) and
the data directory then live under /var/lib/trellis, and TRELLIS_HOME/postgres is a link to the data.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from cli.engines.process import Account

SHELTER = Path("/var/lib/trellis")


def account() -> Account | None:
    """`nobody` if we are root, else None: the program runs as we do."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def reachable(path: Path, who: Account, test: str = "-x") -> bool:
    """Ask the kernel instead of reading modes: also right with ACLs and mounts."""
    answer = subprocess.run(["test", test, str(path)], user=who.uid, group=who.gid, extra_groups=[], cwd="/")
    return answer.returncode == 0


def programs(tree: Path, who: Account | None, version: str) -> Path:
    """The installed tree, or a copy of it that `who` can run."""
    if who is None or (reachable(tree / "bin/postgres", who) and reachable(tree / "share", who, "-r")):
        return tree
    copy = SHELTER / f"postgresql-{version}"
    if not copy.exists():
        _copy(tree, copy)
    return copy


def data(link: Path, who: Account | None) -> Path:
    """The directory behind `link`: itself, or one in the shelter that `link` points to."""
    if link.is_dir() or who is None or reachable(link.parent, who):
        return link.resolve()
    shelter = Path(tempfile.mkdtemp(dir=_shelter()))
    shelter.chmod(0o755)
    (shelter / "home").write_text(f"{link.parent}\n")  # for people: whose data this is once that home is gone
    link.unlink(missing_ok=True)  # a link whose target somebody removed
    link.symlink_to(shelter / "postgres")
    return shelter / "postgres"


def _copy(tree: Path, copy: Path) -> None:
    draft = Path(tempfile.mkdtemp(dir=_shelter()))
    shutil.copytree(tree, draft, dirs_exist_ok=True, symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path in [draft, *draft.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    with contextlib.suppress(OSError):  # another checkout was quicker: its copy is as good
        draft.rename(copy)
    shutil.rmtree(draft, ignore_errors=True)


def _shelter() -> Path:
    SHELTER.mkdir(parents=True, exist_ok=True)
    SHELTER.chmod(0o755)
    return SHELTER
