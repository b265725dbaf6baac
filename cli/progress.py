"""How far a long command has come, on standard error: a bar for people, a line now and then where nobody looks."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from cli.commands.output import explain

_LINE_EACH_S = 10.0

Advance = Callable[[int, bool], None]
"""Told how much more is done, and whether it cost anything: what was there already says nothing about the rate."""


@contextlib.contextmanager
def progress(words: str, total: int, unit: str) -> Iterator[Advance]:
    """Show progress while the block runs; the block tells how much more is done."""
    with (_bar if sys.stderr.isatty() else _lines)(words, total, unit) as advance:
        yield advance


def left_in_words(worked: int, left: int, passed_s: float) -> str:
    """Return rate and time left: `41.3 a second, 0:02:10 left`."""
    if not worked or passed_s <= 0:
        return "no rate yet"
    rate = worked / passed_s
    minutes, seconds = divmod(round(left / rate), 60)
    return f"{rate:.1f} a second, {minutes // 60}:{minutes % 60:02}:{seconds:02} left"


@contextlib.contextmanager
def _bar(words: str, total: int, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    began_s, done, worked = time.monotonic(), 0, 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(words, total=total, left="")

        def advance(count: int, was_work: bool = True) -> None:
            nonlocal done, worked
            done, worked = done + count, worked + count * was_work
            shown.update(task, completed=done, left=left_in_words(worked, total - done, time.monotonic() - began_s))

        yield advance


@contextlib.contextmanager
def _lines(words: str, total: int, unit: str) -> Iterator[Advance]:
    began_s = said_s = time.monotonic()
    done = worked = 0

    def advance(count: int, was_work: bool = True) -> None:
        nonlocal done, worked, said_s
        done, worked = done + count, worked + count * was_work
        now_s = time.monotonic()
        if now_s - said_s >= _LINE_EACH_S:
            said_s = now_s
            explain(f"{words}: {done} of {total} {unit}, {left_in_words(worked, total - done, now_s - began_s)}")

    yield advance
