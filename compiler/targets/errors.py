"""`docs/errors.md`: each reason, what it means, what callers can do about it, and which RPCs answer with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compiler.answers import EDGE, EDGE_DOMAIN, HTTP, failures
from compiler.model import Contract, Enum, EnumValue, Reason, Rpc

PATH = "docs/errors.md"
_HEAD = """\
# Errors

Derived from the contract; do not edit. How errors travel is told in [rest.md](rest.md#errors).

Every failure is a `google.rpc.Status` with exactly one `google.rpc.ErrorInfo`. Its `reason` is one of these, its `domain`
says who answers: `trellis.<service>`, or `trellis.edge`. Decide by the reason; messages are for people and change.
"""


def render(contract: Contract) -> Mapping[str, str]:
    """One page."""
    senders, groups = _senders(contract), _groups(contract)
    parts = [_HEAD, *_overview(contract)]
    for owner in ("common", *contract.processes):
        reasons = [(enum, value) for enum in contract.reason_enums(owner) for value in enum.values if value.reason]
        if reasons:
            parts.append(f"\n## {'Of every service' if owner == 'common' else owner}\n")
        parts += ["\n".join(_reason(owner, enum, value, senders, groups)) for enum, value in reasons]
    return {PATH: "\n".join(parts) + "\n"}


def _overview(contract: Contract) -> Iterator[str]:
    """Every reason by its status."""
    by_status: dict[int, list[str]] = {}
    for owner in ("common", *contract.processes):
        for name, reason in contract.reasons(owner).items():
            links = by_status.setdefault(_status(name, reason), [])
            links.append(f"[{name}](#{name.lower()})")
    yield "| HTTP | reasons |\n|---|---|"
    yield from (f"| {status} | {', '.join(links)} |" for status, links in sorted(by_status.items()))


def _status(name: str, reason: Reason) -> int:
    """The status that REST callers see; the edge has one of its own for some reasons."""
    own = [status for status, (sent, _) in EDGE.items() if sent == name]
    return own[0] if len(own) == 1 else HTTP[reason.code]


def _reason(
    owner: str,
    enum: Enum,
    value: EnumValue,
    senders: Mapping[tuple[str, str], list[str]],
    groups: Mapping[str, list[str]],
) -> Iterator[str]:
    reason, name = value.reason, value.name.removeprefix(enum.prefix)
    assert reason is not None
    also = [str(status) for status, (sent, _) in EDGE.items() if sent == name and status != _status(name, reason)]
    at_edge = f"; the edge also with {', '.join(also)}" if also else ""
    yield f"### {name}\n"
    yield f"{value.place.comment}\n"
    yield f"- **Code:** `{reason.code}`, HTTP {_status(name, reason)}{at_edge}"
    yield f"- **Message, for example:** {reason.message}"
    if reason.metadata:
        yield "- **Metadata:** " + ", ".join(f"`{key}` (`{example}`)" for key, example in reason.metadata)
    yield f"- **What to do:** {reason.advice}"
    yield f"- **Sent by:** {_said(senders.get((owner, name), []), groups)}\n"


def _said(rpcs: list[str], groups: Mapping[str, list[str]]) -> str:
    """The RPCs in few words."""
    group = next((words for words, members in groups.items() if rpcs and rpcs == members), "")
    return group or ", ".join(rpcs) or "the edge alone"


def _groups(contract: Contract) -> dict[str, list[str]]:
    """RPCs that are many, by what they have in common."""
    closed = [rpc for rpc in contract.rpcs if rpc.policy.access != "public"]
    repeatable = [rpc for rpc in contract.rpcs if rpc.policy.repeatable == "by_request_id"]
    found = {"every RPC": contract.rpcs, "every RPC that is not public": closed, "every mutation": repeatable}
    return {words: [_name(rpc) for rpc in rpcs] for words, rpcs in found.items()}


def _senders(contract: Contract) -> dict[tuple[str, str], list[str]]:
    """Owner and reason → RPCs that answer with it."""
    common = contract.reasons("common").keys()
    found: dict[tuple[str, str], list[str]] = {}
    for rpc in contract.rpcs:
        for reason in sorted({failure.name for failure in failures(contract, rpc) if failure.domain != EDGE_DOMAIN}):
            found.setdefault(("common" if reason in common else rpc.process, reason), []).append(_name(rpc))
    return found


def _name(rpc: Rpc) -> str:
    return f"`{rpc.service.rpartition('.')[2]}.{rpc.name}`"
