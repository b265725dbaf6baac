"""Where everything of one checkout lives: TRELLIS_HOME, its ports and its secrets.

Two checkouts never touch each other: the ports follow from the path of the home, past those that are taken, and stay
the same from the first start on.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cli.engines.secret import kept

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("auth", "user")
OPERATOR = "operator"
"""Whoever may read the home runs the platform, and calls services by this name."""
PORT_NAMES = (
    "edge",
    "envoy_admin",
    "jwks",
    "postgres",
    "valkey",
    *(f"{service}_{slot}{kind}" for service in SERVICES for slot in "ab" for kind in ("", "_metrics")),
)
_LOWEST, _HIGHEST, _STEP = 20_000, 32_000, 20  # below the range that the kernel hands out


class PortTaken(Exception):
    """Somebody else listens where Trellis would; the message says who and what helps."""


@dataclass(frozen=True)
class Home:
    """The directory of one running platform."""

    path: Path

    @property
    def run(self) -> Path:
        """State that means nothing after a stop."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def mail(self) -> Path:
        """The outbox of development: one file per mail."""
        return self.path / "mail"

    @cached_property
    def ports(self) -> dict[str, int]:
        """Port by name; as saved by `save_ports`, else those that a first start would take."""
        try:
            return dict(json.loads((self.path / "ports.json").read_text()))
        except FileNotFoundError:
            return _first_ports(self.path)

    @property
    def endpoints(self) -> dict[str, str]:
        """What people and programs connect to."""
        edge = f"127.0.0.1:{self.ports['edge']}"
        return {
            "rest": f"http://{edge}",
            "grpc": edge,
            "envoy_admin": f"http://127.0.0.1:{self.ports['envoy_admin']}",
            "mail": str(self.mail),
        }

    def save_ports(self, base: int | None) -> None:
        """Make the ports of this start those of the next: from `base` if it is given."""
        ports = ports_from(base) if base is not None else self.ports
        self.path.mkdir(
            parents=True, exist_ok=True
        )  # open: PostgreSQL's user passes through; what is private inside is closed
        (self.path / "ports.json").write_text(json.dumps(ports, indent=1))
        self.__dict__["ports"] = ports

    def root_secret(self, service: str) -> str:
        """32 random bytes as hex, made on the first start."""
        return kept(self.path / "secrets" / f"{service}.root")

    def service_key(self, service: str) -> str:
        """The private JWK that the service signs its calls with, made on the first start."""
        return kept(self.path / "secrets" / f"{service}.jwk", lambda: _new_key(service))

    def service_keys(self) -> str:
        """The public halves of all services' keys and of the operator's, as a JWK set."""
        private = [json.loads(self.service_key(service)) for service in (*SERVICES, OPERATOR)]
        return json.dumps({"keys": [{k: v for k, v in key.items() if k != "d"} for key in private]})


def home() -> Home:
    """Return the home of this checkout, or the one that TRELLIS_HOME names."""
    return Home(Path(os.environ.get("TRELLIS_HOME") or ROOT / ".trellis").resolve())


def ports_from(base: int) -> dict[str, int]:
    """Return all ports, counted from `base`."""
    return {name: base + offset for offset, name in enumerate(PORT_NAMES)}


def refuse_taken(ports: Mapping[str, int]) -> None:
    """Raises PortTaken for the first port that somebody listens on."""
    for name, port in ports.items():
        if not _free(port):
            raise PortTaken(
                f"port {port} ({name}) is taken{_holder(port)}. Stop that program, or choose other ports with "
                f"`trellis up --port-base N` (they are remembered)."
            )


def all_free(ports: Mapping[str, int]) -> bool:
    """Return whether nobody listens on any of the ports."""
    return all(map(_free, ports.values()))


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    """Return ` by pid N (name)` where /proc tells."""
    inodes = {
        line.split()[9]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if os.path.exists(table)
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rpartition(":")[2], 16) == port
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(fd) in {f"socket:[{i}]" for i in inodes} for fd in (process / "fd").iterdir()):
                return f" by pid {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:
            continue
    return ""


def _first_ports(path: Path) -> dict[str, int]:
    """The ports that the path gives, or the next that are free: of two paths in some hundred both give the same."""
    if base := os.environ.get("TRELLIS_PORT_BASE"):
        return ports_from(int(base))
    bases = range(_LOWEST, _HIGHEST, _STEP)
    own = int.from_bytes(hashlib.sha256(str(path).encode()).digest()[:4]) % len(bases)
    choices = (ports_from(base) for base in (*bases[own:], *bases[:own]))
    return next(filter(all_free, choices), ports_from(bases[own]))


def _new_key(service: str) -> str:
    from joserfc.jwk import ECKey

    return json.dumps(ECKey.generate_key("P-256", {"kid": service}).as_dict(private=True))
