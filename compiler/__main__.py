"""`python -m compiler [--check]`: write everything under `gen/`, and `docs/errors.md`, that follows from the contract.

A contract that breaks a rule of `compiler.lint` generates nothing. `--check` writes nothing and ends with 1 if
something would change, naming each path.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from compiler import buf, lint, reader
from compiler.targets import TARGETS

GENERATED = "gen"
DESCRIPTOR = "gen/descriptor/trellis.binpb"
"""What the edge's transcoder reads: without source info, a quarter of the size."""


class ContractError(Exception):
    """The contract breaks a rule of `compiler.lint`; nothing is generated. The message names each finding."""


def main(arguments: list[str]) -> int:
    """Generate, or check what was generated. Answers with the exit code."""
    check = "--check" in arguments
    try:
        wanted = render_all(buf.ROOT)
    except (buf.BufError, ContractError) as error:
        say(str(error))
        return 1
    changed = differences(buf.ROOT, wanted)
    if not check:
        write(buf.ROOT, wanted, changed)
    for path in changed:
        say(f"{'differs' if check else 'wrote'} {path}")
    say(f"{len(wanted)} generated files, {len(changed)} changed")
    return int(check and bool(changed))


def render_all(root: Path) -> dict[str, bytes]:
    """Every generated file of the repository by its path. Raises BufError and ContractError."""
    say("stubs …")
    wanted = dict(stubs(root))
    say("descriptor set …")
    wanted[DESCRIPTOR] = buf.image(root, source_info=False)
    contract = reader.read(buf.image(root, source_info=True))
    if found := lint.findings(contract):
        raise ContractError("\n".join(map(str, found)))
    for name, render in TARGETS.items():
        say(f"{name} …")
        wanted |= {path: text.encode() for path, text in render(contract).items()}
    return wanted


def stubs(root: Path) -> Iterator[tuple[str, bytes]]:
    """What the protoc plugins make, save the empty service stubs of files that define no service."""
    with tempfile.TemporaryDirectory() as work:
        buf.generate(root, Path(work))
        for path in sorted(Path(work).rglob("*")):
            if path.is_file() and not _empty(path):
                yield path.relative_to(work).as_posix(), path.read_bytes()


def _empty(path: Path) -> bool:
    return path.name.endswith("_pb2_grpc.pyi") and not path.with_suffix(".py").exists()


def differences(root: Path, wanted: dict[str, bytes]) -> list[str]:
    """Paths that are missing, stale or different."""
    stale = {path.relative_to(root).as_posix() for path in _files(root / GENERATED)} - wanted.keys()
    different = {path for path, data in wanted.items() if not (root / path).is_file() or (root / path).read_bytes() != data}
    return sorted(stale | different)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def write(root: Path, wanted: dict[str, bytes], changed: list[str]) -> None:
    """Write what changed and remove what is stale. Files that are as they should be keep their time."""
    for name in changed:
        path = root / name
        if name not in wanted:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[name])


def say(line: str) -> None:
    """Progress, for people."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
