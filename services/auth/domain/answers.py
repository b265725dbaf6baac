"""Answers that say nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nothing:
    """The answer of an RPC that says the same to everybody."""

    rpc: str
