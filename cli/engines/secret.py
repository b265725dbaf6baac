"""Secrets that are made once and then stay: one file each, readable by the owner alone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

_BYTES = 32


def kept(path: Path, make: Callable[[], str] = lambda: secrets.token_hex(_BYTES)) -> str:
    """The secret in `path`; made there if it is the first time. Two processes that race agree on one."""
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    write_private(draft, make())
    try:
        os.link(draft, path)  # fails if somebody else was first: then theirs counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file that was never readable by others, not even for a moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def replace_private(path: Path, text: str) -> None:
    """Write a private file whole: a reader finds the old text or the new one, also after a crash."""
    draft = path.with_name(f"{path.name}.part")
    write_private(draft, text)
    with draft.open() as file:
        os.fsync(file.fileno())
    os.replace(draft, path)
