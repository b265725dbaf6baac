"""Two things measured in turn, and the ratio of their medians."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.report import Result

ROUNDS = 5

Driver = Callable[[], Coroutine[Any, Any, float]]


def compare(name: str, aim: float, ours: Driver, theirs: Driver) -> Result:
    """Alternate, and return the ratio of the medians."""
    sys.stderr.write(f"{name} …\n")
    pairs = [(asyncio.run(ours()), asyncio.run(theirs())) for _ in range(ROUNDS)]
    mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Result(
        name, round(mine / other, 2), "of its calls/s", f"≥ {aim}", ROUNDS, f"{mine:.0f} against {other:.0f} calls/s"
    )
