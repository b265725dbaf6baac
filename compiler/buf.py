"""The buf commands the compiler needs. All work offline; tools come from the environment of the running Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_CONTRACT = ("--path", "proto/trellis", "--path", "proto/third_party/google/rpc")
"""google.rpc is in the set because the edge prints error details with it."""


class BufError(Exception):
    """buf refused; the message is what it said."""


def image(root: Path = ROOT, *, source_info: bool) -> bytes:
    """The contract and its imports as a serialized FileDescriptorSet."""
    without = () if source_info else ("--exclude-source-info",)
    return run(root, "build", "--as-file-descriptor-set", *without, *_CONTRACT, "-o", "-")


def generate(root: Path, out: Path) -> None:
    """Run the plugins of buf.gen.yaml; their folders are made under `out`."""
    run(root, "generate", "-o", str(out))


def run(root: Path, *arguments: str) -> bytes:
    """Run buf in `root` and answer with its output. Raises BufError."""
    tools = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run([tools / "buf", *arguments], cwd=root, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise BufError((done.stderr or done.stdout).decode().strip())
    return done.stdout
