"""The table that `make bench` prints and keeps."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Result:
    """One figure."""

    name: str
    value: float
    unit: str
    aim: str
    rounds: int
    detail: str = ""

    @property
    def reached(self) -> bool:
        """Whether the aim was met."""
        comparison, number = self.aim.split()[:2]
        return self.value >= float(number) if comparison == "≥" else self.value <= float(number)


def keep(results: list[Result]) -> str:
    """Write results.md and results.json; return the table."""
    table = _markdown(results)
    (HERE / "results.md").write_text(table)
    rows = [{k: v for k, v in asdict(result).items() if k != "detail"} for result in results]
    (HERE / "results.json").write_text(json.dumps(rows, indent=2) + "\n")
    return table


def _markdown(results: list[Result]) -> str:
    rows = "\n".join(
        f"| {r.name} | {r.value:g} {r.unit} | {r.aim} | {'yes' if r.reached else 'no'} | {r.rounds} | {r.detail} |"
        for r in results
    )
    return f"""# Benchmarks

Measured {datetime.now(UTC):%Y-%m-%d} on {_hardware()}. Ratios are medians of alternating rounds in one run:
the platform's calls per second over the baseline's, 32 callers. They are ratios because machines are noisy.

| name | value | aim | reached | rounds | medians |
|---|---|---|---|---|---|
{rows}
"""


def _hardware() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
    return f"{os.cpu_count()} cores ({models[0] if models else platform.machine()}), Python {platform.python_version()}"
