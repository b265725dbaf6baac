"""Following log files."""

from __future__ import annotations

import sys
import time
from collections import deque
from pathlib import Path
from typing import TextIO

_POLL_S = 0.2


def tail(directory: Path, pattern: str, wanted: list[str], *, lines: int, follow: bool) -> None:
    """Print the last lines that hold all of `wanted`, and with `follow` those that come."""
    files = {path.stem: path.open(errors="replace") for path in sorted(directory.glob(pattern))}
    for name, file in files.items():
        for line in deque((line for line in file if _holds(line, wanted)), maxlen=lines):
            _print(name, line, alone=len(files) == 1)
    while follow:
        news = [_print_new(name, file, wanted, alone=len(files) == 1) for name, file in files.items()]
        if not any(news):
            time.sleep(_POLL_S)


def _print_new(name: str, file: TextIO, wanted: list[str], *, alone: bool) -> bool:
    line = file.readline()
    if line and _holds(line, wanted):
        _print(name, line, alone=alone)
    return bool(line)


def _holds(line: str, wanted: list[str]) -> bool:
    return all(text in line for text in wanted)


def _print(name: str, line: str, *, alone: bool) -> None:
    sys.stdout.write(line if alone else f"{name:<9}│ {line}")
    sys.stdout.flush()
