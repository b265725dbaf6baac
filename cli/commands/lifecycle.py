"""up, down, restart, status, logs."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands.output import Failed, Format, NotReady, Output, document, examples, explain, listing
from cli.control import NotRunning, ask, end
from cli.home import PORT_NAMES, Home, PortTaken, home

READY_WITHIN_S = 90.0
ENDED_WITHIN_S = 40.0
LAST_BASE = 65_536 - len(PORT_NAMES)
_LAST_LINES = 12
_LOGS = examples(
    "trellis logs auth -f", "trellis logs --level error", "trellis logs --trace 4bf92f3577b34da6a3ce929d0e0e4736"
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    panel = "Run"
    app.command(rich_help_panel=panel, epilog=examples("trellis up", "trellis up --detach", "trellis up --port-base 24000"))(
        up
    )
    app.command(rich_help_panel=panel, epilog=examples("trellis down"))(down)
    app.command(rich_help_panel=panel, epilog=examples("trellis restart", "trellis restart auth"))(restart)
    app.command(rich_help_panel=panel, epilog=examples("trellis status", "trellis status -o json | jq .healthy"))(status)
    app.command(rich_help_panel=panel, epilog=_LOGS)(logs)


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once everything is healthy.")] = False,
    port_base: Annotated[
        int | None, typer.Option(min=1024, max=LAST_BASE, help="First of the ports to use from now on.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes of each service.", envvar="TRELLIS_WORKERS")] = 1,
) -> None:
    """Start PostgreSQL, Valkey, the services and Envoy, and wait until all are healthy."""
    here = home()
    _refuse_second(here)
    here.save_ports(port_base)
    if detach:
        return _up_detached(here, workers)
    _up_here(here, workers)


def down() -> None:
    """Stop everything, in order; nothing stays behind."""
    try:
        ended = end(home(), within_s=ENDED_WITHIN_S)
    except NotRunning:
        return explain("Nothing is running.")
    if not ended:
        raise Failed(f"It did not stop in {ENDED_WITHIN_S:.0f} s; `trellis status` shows what is left.")
    explain("Stopped.")


def restart(
    name: Annotated[str, typer.Argument(help="auth, user, postgres, valkey or envoy; all services without.")] = "",
) -> None:
    """Restart a process. A service is replaced without losing a call."""
    if error := _ask("restart", name=name).get("error"):
        raise Failed(error)


def status(output: Output = Format.TABLE) -> None:
    """Show what runs and where it answers. Exit code 3 unless all is healthy."""
    found = _ask("status")
    if output is Format.TABLE:
        columns = {"name": "process", "state": "state", "pid": "pid", "restarts": "restarts"}
        listing(found["processes"], output, columns)
        listing([{"endpoint": name, "address": address} for name, address in found["endpoints"].items()], output)
    else:
        document(found, output)
    if not found["healthy"]:
        raise typer.Exit(3)


def logs(
    name: Annotated[str, typer.Argument(help="One process; all without.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as new lines come.")] = False,
    level: Annotated[str, typer.Option(help="Only lines of this level, for example error.")] = "",
    trace: Annotated[str, typer.Option(help="Only lines of this trace id.")] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many lines to begin with.")] = 50,
) -> None:
    """Show what the processes said."""
    from cli.commands.tail import tail

    wanted = [text for text in (f'"level":"{level}"' if level else "", trace) if text]
    directory = home().logs
    if name and not (directory / f"{name}.log").exists():
        known = ", ".join(sorted(path.stem for path in directory.glob("*.log")))
        raise Failed(f"there is no log of {name}; there are {known or 'none yet'}.")
    tail(directory, f"{name or '*'}.log", wanted, lines=lines, follow=follow)


def _ask(do: str, **arguments: str) -> dict[str, Any]:
    try:
        return ask(home(), do, **arguments)
    except NotRunning:
        raise NotReady("Trellis is not running here; start it with `trellis up`.") from None


def _refuse_second(here: Home) -> None:
    try:
        ask(here, "status")
    except NotRunning:
        return
    raise Failed(f"Trellis already runs from {here.path}; see `trellis status`, or stop it with `trellis down`.")


def _up_here(here: Home, workers: int) -> None:
    from cli import stack

    began_s = time.monotonic()

    def ready(running: stack.Stack) -> None:
        explain(banner(here, time.monotonic() - began_s))

    try:
        failure = stack.run(here, workers=workers, screen=sys.stderr, ready=ready)
    except (stack.AlreadyRunning, PortTaken) as error:
        raise Failed(str(error)) from None
    if failure:
        raise Failed(failure)


def _up_detached(here: Home, workers: int) -> None:
    from cli import stack

    began_s = time.monotonic()
    known = stack.log_path(here).stat().st_size if stack.log_path(here).exists() else 0
    pid = stack.start_detached(["--workers", str(workers)], here)
    while time.monotonic() - began_s < READY_WITHIN_S:
        try:
            if ask(here, "status")["healthy"]:
                return explain(banner(here, time.monotonic() - began_s))
        except NotRunning:
            if not _alive(pid):
                raise Failed(_last_words(stack.log_path(here), known)) from None
        time.sleep(0.05)
    raise NotReady("Not everything is healthy yet; `trellis status` shows what is missing.")


def _last_words(log: Path, known_bytes: int) -> str:
    """Return how a detached start ended, in its own words."""
    with log.open() as said:
        said.seek(known_bytes)
        lines = said.read().splitlines()[-_LAST_LINES:]
    return "\n".join(lines) or f"It ended at once, without a word; see {log}."


def _alive(pid: int) -> bool:
    import os

    return os.waitpid(pid, os.WNOHANG)[0] == 0


def banner(here: Home, seconds: float) -> str:
    """Return what a newcomer needs to see: where it answers, and what to try."""
    rest, trellis = here.endpoints["rest"], _command()
    return f"""
  Trellis is up after {seconds:.1f} s.

    REST         {rest}
    gRPC         {here.endpoints["grpc"]}
    mail outbox  {here.mail}

  Try:

    {trellis} demo         # a newcomer's journey, as curl and as gRPC
    {trellis} methods      # every RPC, its REST binding and who may call it
    curl {rest}/.well-known/jwks.json
"""


def _command() -> str:
    """Return how to call this program: by its name where the environment is active, else by its path."""
    program = Path(sys.argv[0]).absolute()
    if os.environ.get("VIRTUAL_ENV") or program.name != "trellis":
        return "trellis"
    return str(program.relative_to(Path.cwd())) if program.is_relative_to(Path.cwd()) else str(program)
