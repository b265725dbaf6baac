"""Single values: their JSON types and what protovalidate's rules say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
Rules = Mapping[str, object]

_INTEGERS = ("int32", "sint32", "sfixed32", "uint32", "fixed32")
_LONGS = ("int64", "sint64", "sfixed64", "uint64", "fixed64")
_UNSIGNED = ("uint32", "fixed32", "uint64", "fixed64")
_FORMATS = {
    "email": "email",
    "hostname": "hostname",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "uri": "uri",
    "uri_ref": "uri-reference",
    "uuid": "uuid",
}
_INFO_FORMATS = {"UUID4": "uuid", "IPV4": "ipv4", "IPV6": "ipv6"}
_BOUNDS = {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum", "const": "const"}
TYPES = frozenset({*_INTEGERS, *_LONGS, "string", "bytes", "bool", "float", "double"})


def scalar(kind: str, rules: Rules, *, info: str = "", may_be_zero: bool = False) -> Json:
    """The schema of a scalar. `info` is its google.api.field_info.format.

    `may_be_zero` admits the zero value beside what the rules admit: answers show unset fields as zero.
    """
    if kind == "string":
        return _string(_own(rules, "string"), info, may_be_zero)
    if kind == "bytes":
        longest = _own(rules, "bytes").get("max_len")
        limit = {"maxLength": -(-int(str(longest)) // 3) * 4} if longest else {}
        return {"type": "string", "contentEncoding": "base64", **limit}
    if kind in _LONGS:
        return {"type": "string", "format": kind.removeprefix("s"), "pattern": r"^\d+$" if kind in _UNSIGNED else r"^-?\d+$"}
    if kind == "bool":
        return {"type": "boolean"}
    number = _number(kind, _own(rules, kind), may_be_zero)
    return {"minimum": 0, **number} if kind in _UNSIGNED else number


def _own(rules: Rules, kind: str) -> dict[str, Any]:
    return {name.removeprefix(f"{kind}."): rule for name, rule in rules.items() if name.startswith(f"{kind}.")}


def _string(rules: dict[str, Any], info: str, may_be_zero: bool) -> Json:
    schema: Json = {"type": "string"}
    wanted = next((name for rule, name in _FORMATS.items() if rules.get(rule)), _INFO_FORMATS.get(info))
    if wanted and not may_be_zero:
        schema["format"] = wanted
    shortest, longest = rules.get("len", rules.get("min_len")), rules.get("len", rules.get("max_len"))
    if shortest and not may_be_zero:
        schema["minLength"] = shortest
    if longest:
        schema["maxLength"] = longest
    pattern = _pattern(rules)
    if pattern:
        schema["pattern"] = f"^$|{pattern}" if may_be_zero and not pattern.startswith("^$|") else pattern
    if rules.get("in"):
        schema["enum"] = [*(("",) if may_be_zero else ()), *rules["in"]]
    return schema


def _pattern(rules: dict[str, Any]) -> str:
    """Rules of RE2 that ECMAScript's regular expressions understand too."""
    if rules.get("tuuid"):
        return "^[0-9a-fA-F]{32}$"
    pattern = str(rules.get("pattern", ""))
    return "" if pattern.startswith("(?i)") else pattern.replace(r"\z", "$").replace(r"\A", "^")


def _number(kind: str, rules: dict[str, Any], may_be_zero: bool) -> Json:
    schema: Json = {"type": "integer", "format": "int32"} if kind in _INTEGERS else {"type": "number", "format": kind}
    for rule, keyword in _BOUNDS.items():
        if rule in rules and not (may_be_zero and _excludes_zero(rule, rules[rule])):
            schema[keyword] = rules[rule]
    if rules.get("in"):
        schema["enum"] = sorted({*rules["in"], *((0,) if may_be_zero else ())})
    return schema


def _excludes_zero(rule: str, bound: float) -> bool:
    return {"gte": bound > 0, "gt": bound >= 0, "lte": bound < 0, "lt": bound <= 0, "const": bound != 0}[rule]
