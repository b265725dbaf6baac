"""Following log files, also beyond their rotation and with those that only come to be."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

_POLL_S = 0.2


def tail(directory: Path, pattern: str, wanted: list[str], *, lines: int, follow: bool) -> None:
    """Print the last lines that hold all of `wanted`, and with `follow` those that come."""
    with closing(Logs(directory, pattern, wanted)) as logs:
        logs.print_last(lines)
        while follow:
            if not logs.print_new():
                time.sleep(_POLL_S)


@dataclass(slots=True)
class Logs:
    """The log files of one pattern, each read once from front to end."""

    directory: Path
    pattern: str
    wanted: list[str]
    files: dict[str, Log] = field(default_factory=dict)

    def print_last(self, count: int) -> None:
        """Print the last lines of what there is."""
        self._find()
        for name, log in self.files.items():
            for line in deque(filter(self._holds, log.lines()), maxlen=count):
                self._print(name, line)

    def print_new(self) -> bool:
        """Print what came since; whether anything did."""
        self._find()
        came = [(name, line) for name, log in self.files.items() for line in log.lines()]
        for name, line in came:
            if self._holds(line):
                self._print(name, line)
        return bool(came)

    def close(self) -> None:
        """Close the files."""
        for log in self.files.values():
            log.file.close()

    def _find(self) -> None:
        for path in sorted(self.directory.glob(self.pattern)):
            if path.stem not in self.files:
                self.files[path.stem] = Log(path, path.open(errors="replace"))

    def _holds(self, line: str) -> bool:
        return all(text in line for text in self.wanted)

    def _print(self, name: str, line: str) -> None:
        sys.stdout.write(line if "*" not in self.pattern else f"{name:<9}│ {line}")
        sys.stdout.flush()


@dataclass(slots=True)
class Log:
    """One file, followed to its successor when it is renamed away."""

    path: Path
    file: TextIO
    unfinished: str = ""

    def lines(self) -> list[str]:
        """Return the whole lines that came since the last time."""
        found = self._read()
        if self._renamed():
            found += self._read()  # what was written just before the renaming
            self.file.close()
            self.file = self.path.open(errors="replace")
            found += self._read()
        return found

    def _read(self) -> list[str]:
        *whole, self.unfinished = (self.unfinished + self.file.read()).split("\n")
        return [line + "\n" for line in whole]

    def _renamed(self) -> bool:
        try:
            return not os.path.samestat(os.fstat(self.file.fileno()), self.path.stat())
        except FileNotFoundError:  # between the renaming and the first line of the successor
            return False
