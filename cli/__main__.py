"""`python -m cli` is `trellis`; the detached supervisor starts itself this way."""

from __future__ import annotations

from cli.main import main

main()
