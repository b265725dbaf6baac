"""`python -m compiler.diff`: does today's REST face keep what the released one promised? `buf breaking` sees no paths."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from compiler.buf import ROOT
from compiler.openapi.compare import breaks
from compiler.targets import openapi

RELEASED = ROOT / "proto/released.openapi.json"
TODAY = ROOT / openapi.PATH


def main(released: Path = RELEASED, today: Path = TODAY) -> int:
    """Print a line for each broken promise. Ends with 1 if there is one."""
    found = breaks(json.loads(released.read_text()), json.loads(today.read_text()))
    for line in found:
        print(line)  # noqa: T201
    print(f"REST: {len(found)} promises of the released document broken", file=sys.stderr)  # noqa: T201
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
