"""Rules about error reasons: declared once, documented where they are returned, and used (AIP-193)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from compiler.lint.finding import Problem, Rule, rule
from compiler.model import Contract, EnumValue, Rpc

CODES = frozenset(
    {
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "RESOURCE_EXHAUSTED",
        "UNAVAILABLE",
        "DEADLINE_EXCEEDED",
        "UNIMPLEMENTED",
        "INTERNAL",
    }
)
"""Canonical codes that this platform answers with on purpose."""
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,61}[A-Z0-9]")
_METADATA_KEY = re.compile(r"[a-z][a-zA-Z0-9_-]{0,62}")
_RETURNED = re.compile(r"\b([A-Z][A-Z_]+[A-Z])\s+\(([A-Z][A-Z0-9_, ]+)\)")
"""`NOT_FOUND (USER_NOT_FOUND, ORGANIZATION_NOT_FOUND)` in a comment."""


@rule("reason-declared")
def declared(contract: Contract) -> Iterator[Problem]:
    """A caller can look up every reason."""
    for rpc in contract.rpcs:
        for reason in sorted(set(rpc.policy.reasons) - _known(contract, rpc).keys()):
            yield _at(rpc, f"declare {reason} in the error_reason.proto of {rpc.process}, or correct the name")


@rule("reason-used")
def used(contract: Contract) -> Iterator[Problem]:
    """A reason that nothing returns misleads."""
    returned = {(rpc.process, reason) for rpc in contract.rpcs for reason in rpc.policy.reasons}
    for process in contract.processes:
        for value, name in _values(contract, process):
            if (process, name) not in returned:
                yield value.place, f"{process}: {name}", "name it in the reasons of an RPC, or reserve its number"


@rule("reason-documented")
def documented(contract: Contract) -> Iterator[Problem]:
    """The comment of an RPC and its policy name the same reasons, with the codes they are declared with."""
    for rpc in contract.rpcs:
        said = _said(rpc)
        known = _known(contract, rpc)
        for reason in rpc.policy.reasons:
            if reason not in said:
                code = known.get(reason, "CODE")
                yield _at(rpc, f"add to the comment: Returns {code} ({reason})")
            elif reason in known and said[reason] != known[reason]:
                yield _at(rpc, f"the comment says {said[reason]} ({reason}), its declaration {known[reason]}")
        for reason in sorted(said.keys() - set(rpc.policy.reasons)):
            yield _at(rpc, f"the comment names {reason}: add it to the policy's reasons, or remove it")


@rule("reason-form")
def form(contract: Contract) -> Iterator[Problem]:
    """Every reason comes with a code, a sentence and its variables as metadata."""
    for owner in ("common", *contract.processes):
        for value, name in _values(contract, owner):
            subject = f"{owner}: {name}"
            if value.reason is None:
                yield value.place, subject, "add (trellis.policy.v1.reason) with a code and an example"
            elif cure := _form(value, name):
                yield value.place, subject, cure


@rule("reason-unambiguous")
def unambiguous(contract: Contract) -> Iterator[Problem]:
    """A reason of all services means the same everywhere."""
    common = contract.reasons("common")
    for process in contract.processes:
        for value, name in _values(contract, process):
            if name in common:
                yield value.place, f"{process}: {name}", "rename it: CommonReason declares that name for all services"


def _form(value: EnumValue, name: str) -> str:
    reason = value.reason
    assert reason is not None
    if not _REASON.fullmatch(name):
        return "name it [A-Z][A-Z0-9_]+[A-Z0-9], at most 63 characters"
    if reason.code not in CODES:
        return f"use a canonical code, not {reason.code!r}"
    if not reason.message.endswith("."):
        return "give an example message: one sentence with a full stop"
    if not reason.advice.endswith("."):
        return "say in `advice` what the caller can do about it, with a full stop"
    for key, example in reason.metadata:
        if not _METADATA_KEY.fullmatch(key) or not example:
            return f"name the metadata key [a-z][a-zA-Z0-9_-]+ and give an example: {key!r}"
        if example not in reason.message:
            return f"let the example message name {example!r}, the example of {key!r}"
    return ""


def _said(rpc: Rpc) -> dict[str, str]:
    """Reason → code, as the comment tells them."""
    return {
        reason.strip(): code
        for code, reasons in _RETURNED.findall(rpc.place.comment)
        for reason in reasons.split(",")
        if code in CODES
    }


def _known(contract: Contract, rpc: Rpc) -> dict[str, str]:
    """Reason → code of what the RPC may answer with."""
    reasons = contract.reasons("common") | contract.reasons(rpc.process)
    return {name: reason.code for name, reason in reasons.items()}


def _values(contract: Contract, owner: str) -> Iterator[tuple[EnumValue, str]]:
    """The values of the reason enums of an owner, with their names without prefix."""
    for enum in contract.reason_enums(owner):
        yield from ((value, value.name.removeprefix(enum.prefix)) for value in enum.values if value.number)


def _at(rpc: Rpc, cure: str) -> Problem:
    return rpc.place, rpc.full_name, cure


RULES: tuple[Rule, ...] = (declared, used, documented, form, unambiguous)
