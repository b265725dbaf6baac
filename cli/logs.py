"""What the processes say: to the screen with a prefix, and to one file each that never grows without bound."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

_LIMIT_BYTES = 10 << 20
_COLOURS = {"postgres": 36, "valkey": 35, "services": 33, "auth": 32, "user": 34, "envoy": 31, "trellis": 37}
_SERVICE = '"service":"'


class LogBook:
    """Splits the host's lines by service, writes files, and prints what is worth reading."""

    def __init__(self, directory: Path, screen: TextIO | None, *, colour: bool) -> None:
        self._directory, self._screen, self._colour = directory, screen, colour
        self._files: dict[str, TextIO] = {}
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(self, name: str, line: str) -> None:
        """Keep one line of a process."""
        source = _service_of(line) if name == "services" else name
        file = self._file(source)
        file.write(line + "\n")
        file.flush()
        if self._screen is not None:
            self._print(source, line)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _print(self, source: str, line: str) -> None:
        prefix = f"{source:<9}│ "
        if self._colour:
            prefix = f"\x1b[{_COLOURS.get(source, 37)}m{prefix}\x1b[0m"
        print(prefix + line, file=self._screen, flush=True)

    def _file(self, source: str) -> TextIO:
        file = self._files.get(source)
        if file is None or file.tell() > _LIMIT_BYTES:
            path = self._directory / f"{source}.log"
            if file is not None:
                file.close()
                path.replace(path.with_suffix(".log.1"))
            file = self._files[source] = path.open("a")
        return file


def _service_of(line: str) -> str:
    """Return which service a JSON line is from."""
    _, found, rest = line.partition(_SERVICE)
    return rest.partition('"')[0] if found else "services"


def screen_colour() -> bool:
    """Whether the screen wants colours (no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")
