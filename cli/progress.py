"""How far a long command has come, on standard error: a bar for people, a line now and then where nobody looks."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from cli.commands.output import explain

_LINE_EACH_S = 10.0

Advance = Callable[[int], None]


@contextlib.contextmanager
def progress(words: str, total: int, unit: str) -> Iterator[Advance]:
    """Show progress while the block runs; the block tells how much more is done."""
    with (_bar if sys.stderr.isatty() else _lines)(words, total, unit) as advance:
        yield advance


def left_in_words(done: int, total: int, passed_s: float) -> str:
    """Return rate and time left: `41.3 a second, 0:02:10 left`."""
    if not done or passed_s <= 0:
        return "no rate yet"
    rate = done / passed_s
    minutes, seconds = divmod(round((total - done) / rate), 60)
    return f"{rate:.1f} a second, {minutes // 60}:{minutes % 60:02}:{seconds:02} left"


@contextlib.contextmanager
def _bar(words: str, total: int, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    began_s, done = time.monotonic(), 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(words, total=total, left="")

        def advance(count: int) -> None:
            nonlocal done
            done += count
            shown.update(task, completed=done, left=left_in_words(done, total, time.monotonic() - began_s))

        yield advance


@contextlib.contextmanager
def _lines(words: str, total: int, unit: str) -> Iterator[Advance]:
    began_s = said_s = time.monotonic()
    done = 0

    def advance(count: int) -> None:
        nonlocal done, said_s
        done += count
        now_s = time.monotonic()
        if now_s - said_s >= _LINE_EACH_S:
            said_s = now_s
            explain(f"{words}: {done} of {total} {unit}, {left_in_words(done, total, now_s - began_s)}")

    yield advance
