"""What a rule finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from compiler.model import Contract, Place


class Finding(NamedTuple):
    """One broken rule: where, what it is about, and what would cure it."""

    place: Place
    subject: str
    """Full name of the element."""
    rule: str
    cure: str

    def __str__(self) -> str:
        return f"{self.place}: {self.subject}: {self.rule}: {self.cure}"


Problem = tuple[Place, str, str]
"""Place, full name and cure; the rule's name is added by `rule`."""
Rule = Callable[[Contract], Iterator[Finding]]


def rule(name: str) -> Callable[[Callable[[Contract], Iterator[Problem]]], Rule]:
    """Make a rule of a generator of problems. `name` is what a finding shows."""

    def named(problems: Callable[[Contract], Iterator[Problem]]) -> Rule:
        def check(contract: Contract) -> Iterator[Finding]:
            return (Finding(place, subject, name, cure) for place, subject, cure in problems(contract))

        check.__name__, check.__doc__ = name, problems.__doc__
        return check

    return named
