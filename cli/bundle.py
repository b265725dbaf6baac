"""What helps somebody else to see what is wrong here, in one archive, without a secret and without a person in it."""

from __future__ import annotations

import io
import json
import os
import platform
import tarfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cli import dumps, versions
from cli.commands.doctor import described, examined
from cli.control import NoAnswer, NotRunning, ask
from cli.home import SERVICES, Home
from cli.redaction import Redactor, secrets_of
from cli.settings import faults, given

LINES_OF_EACH = 2_000

UrlOf = Callable[[str], str]


def write(here: Home, file: Path, url_of: UrlOf) -> list[str]:
    """Write the archive and return the names of what is in it. Raises Failed if it cannot be written."""
    redactor = Redactor({*secrets_of(here), *(g.value for g in given(here) if g.secret)})
    names = []
    with dumps.whole(file) as part, tarfile.open(part, "w:gz") as archive:
        for name, text in _contents(here, url_of, redactor):
            content = text.encode()
            entry = tarfile.TarInfo(f"trellis-support/{name}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(content))
            names.append(name)
    return names


def _contents(here: Home, url_of: UrlOf, redactor: Redactor) -> Iterator[tuple[str, str]]:
    for name, look in _LOOKS.items():
        yield f"{name}.json", redactor.text(json.dumps(_looked(look, here, url_of), indent=1, ensure_ascii=False))
    for path in sorted(here.logs.glob("*.log")):
        with path.open(errors="replace") as log:
            lines = deque(log, maxlen=LINES_OF_EACH)
        yield f"logs/{path.name}", "".join(redactor.line(line.rstrip("\n")) + "\n" for line in lines)


def _looked(look: Callable[[Home, UrlOf], Any], here: Home, url_of: UrlOf) -> Any:
    """One thing that cannot be looked at is no reason to leave out the rest."""
    try:
        return look(here, url_of)
    except Exception as error:
        return {"not available": f"{type(error).__name__}: {error}"}


def _versions(here: Home, url_of: UrlOf) -> Any:
    return {**versions.versions(), "system": platform.platform(), "processors": os.cpu_count()}


def _status(here: Home, url_of: UrlOf) -> Any:
    try:
        return ask(here, "status")
    except (NotRunning, NoAnswer) as error:
        return {"healthy": False, "why": str(error) or "not running"}


def _doctor(here: Home, url_of: UrlOf) -> Any:
    return [described(finding) for finding in examined(here)]


def _config(here: Home, url_of: UrlOf) -> Any:
    return [{"service": g.service, "name": g.name, "value": g.shown, "source": g.source} for g in given(here)]


def _faults(here: Home, url_of: UrlOf) -> Any:
    return [{"service": f.service, "name": f.name, "wrong": f.wrong, "fix": f.fix} for f in faults(here)]


def _migrations(here: Home, url_of: UrlOf) -> Any:
    from services.chassis.db.migrate import status

    return {
        service: dict(zip(("revision", "newest"), status(service, url_of(service)), strict=True)) for service in SERVICES
    }


def _rows(here: Home, url_of: UrlOf) -> Any:
    return {service: dumps.rows_of(url_of(service)) for service in SERVICES}


def _ports(here: Home, url_of: UrlOf) -> Any:
    return here.ports


_LOOKS: dict[str, Callable[[Home, UrlOf], Any]] = {
    "versions": _versions,
    "status": _status,
    "doctor": _doctor,
    "config": _config,
    "config-check": _faults,
    "migrations": _migrations,
    "rows": _rows,
    "ports": _ports,
}
