"""seed: people to try the platform with."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.commands.output import Format, NotReady, Output, examples, explain, record
from cli.home import home


class SizeName(StrEnum):
    """How many."""

    S = "s"
    M = "m"
    L = "l"


def register(app: typer.Typer) -> None:
    """Add the command."""
    shown = examples("trellis seed", "trellis seed --size m", "trellis seed --seed 7 -o json")
    app.command(rich_help_panel="Data", epilog=shown)(seed)


def seed(
    size: Annotated[
        SizeName, typer.Option(help="s: 20 users in 3 organizations; m: 1,000 in 50; l: 100,000 in 2,000.")
    ] = SizeName.S,
    number: Annotated[int, typer.Option("--seed", min=0, help="Another number gives other people.")] = 1,
    output: Output = Format.TABLE,
) -> None:
    """Plant made-up people and organizations in the running platform, always the same ones.

    Whoever signs up follows the link in their mail and costs a password hash, by the real RPCs: of s everybody, of m and l
    the owners; the others are imported and have no account until they sign up. On two cores s takes a second.
    Planting again adds nobody, and goes on where it was cut short. All who have accounts share one password, which
    the answer names: never plant where strangers can sign in.
    """
    from cli.people import PASSWORD, SIZES
    from cli.progress import progress
    from cli.seed import seed as plant

    _must_be_healthy()
    wanted, began_s = SIZES[size.value], time.monotonic()
    with progress("planting", wanted.users, "users") as advance:
        done = plant(home(), wanted, number, advance)
    passed_s = time.monotonic() - began_s
    if not done.added:
        explain("Everybody was there already; nothing was added.")
    first = next(wanted.groups(number))
    answer: dict[str, Any] = {"size": wanted.name, "seed": number, "users": done.users, "added": done.added}
    answer |= {"organizations": wanted.organizations, "seconds": round(passed_s, 1)}
    record(answer | {"sign_in": first.people[0].email, "password": PASSWORD}, output)


def _must_be_healthy() -> None:
    from cli.control import NotRunning, ask

    try:
        healthy = ask(home(), "status")["healthy"]
    except NotRunning:
        raise NotReady("Trellis is not running here; start it with `trellis up`, then plant.") from None
    if not healthy:
        raise NotReady("Not everything is healthy yet; `trellis status` shows what is missing.")
