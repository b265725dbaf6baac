"""`python -m compiler.lint`: check the contract and what is vendored; ends with 1 if a rule is broken."""

from __future__ import annotations

import sys

from compiler import buf, reader, vendored
from compiler.lint import RULES, findings


def main() -> int:
    """Print each finding on a line of its own."""
    try:
        contract = reader.read(buf.image(source_info=True))
    except buf.BufError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    found = [*map(str, findings(contract)), *vendored.differences(), *vendored.page_differences()]
    for line in found:
        print(line)  # noqa: T201
    rpcs = len(contract.rpcs)
    print(f"{rpcs} RPCs, {len(RULES)} rules, {len(found)} findings", file=sys.stderr)  # noqa: T201
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
