"""Rules about messages: the standard fields of requests, bounds on every value, names of times."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.lint.finding import Problem, Rule, rule
from compiler.model import Contract, Field, Message, Rpc

_BOUNDED = ("max_len", "len", "max_bytes", "len_bytes", "uuid", "tuuid", "const", "in")
"""Rules of a string or of bytes that bound its length."""
_MUTATION = {"request_id": "string", "validate_only": "bool"}
_LIST = {"page_size": "int32", "page_token": "string", "filter": "string", "order_by": "string"}
_SUFFIXES = {"google.protobuf.Timestamp": "_time", "google.protobuf.Duration": "_duration"}
_OPTIONS = "trellis.policy."
"""The options are written by developers, never by callers: no bounds."""


@rule("mutation-fields")
def mutation(contract: Contract) -> Iterator[Problem]:
    """Whatever changes something can be repeated and tried (AIP-155, 163)."""
    for rpc in contract.rpcs:
        if not rpc.no_side_effects:
            yield from _missing(contract.request(rpc), _MUTATION)
        request_id = contract.request(rpc).field("request_id")
        if request_id and not request_id.rules.get("string.uuid"):
            yield _at(contract.request(rpc), request_id, "add (buf.validate.field).string.uuid = true")


@rule("list-fields")
def listing(contract: Contract) -> Iterator[Problem]:
    """Every list pages, filters and sorts from its first day (AIP-132, 158, 160)."""
    for rpc in contract.rpcs:
        if rpc.name.startswith("List"):
            yield from _missing(contract.request(rpc), _LIST)
            yield from _missing(contract.messages[rpc.output], {"next_page_token": "string"})


@rule("update-fields")
def update(contract: Contract) -> Iterator[Problem]:
    """Updates say what they change and notice who was faster (AIP-134, 154)."""
    for rpc in contract.rpcs:
        if rpc.name.startswith("Update"):
            yield from _missing(contract.request(rpc), {"update_mask": "google.protobuf.FieldMask"})
            yield from _missing(contract.messages[rpc.output], {"etag": "string"})
        if rpc.name.startswith("Delete") and _etag_of_answer(contract, rpc):
            yield from _missing(contract.request(rpc), {"etag": "string"})


@rule("string-bounded")
def bounded(contract: Contract) -> Iterator[Problem]:
    """No value is longer than somebody decided."""
    for message, field in _fields(contract):
        if field.type in ("string", "bytes") and not any(f"{field.type}.{r}" in field.value_rules for r in _BOUNDED):
            yield _at(message, field, f"add (buf.validate.field){_item(field)}.{field.type}.max_len")


@rule("repeated-bounded")
def items(contract: Contract) -> Iterator[Problem]:
    """No list is longer than somebody decided (AIP-144)."""
    for message, field in _fields(contract):
        if field.repeated and not {"repeated.max_items", "map.max_pairs"} & field.rules.keys():
            yield _at(message, field, "add (buf.validate.field).repeated.max_items (or map.max_pairs)")


@rule("field-behavior")
def behavior(contract: Contract) -> Iterator[Problem]:
    """Every field of a request or a resource says how it is used (AIP-203)."""
    requests = {rpc.input for rpc in contract.rpcs}
    for message, field in _fields(contract):
        if (message.name in requests or message.resource) and not field.behaviors:
            yield _at(message, field, "add google.api.field_behavior: REQUIRED, OPTIONAL, OUTPUT_ONLY, IDENTIFIER …")


@rule("time-suffix")
def times(contract: Contract) -> Iterator[Problem]:
    """Times and durations are known by their names (AIP-142)."""
    for message, field in _fields(contract):
        suffix = _SUFFIXES.get(field.type)
        if suffix and not field.name.endswith(suffix):
            yield _at(message, field, f"end the name with {suffix}")


@rule("enum-zero")
def zero(contract: Contract) -> Iterator[Problem]:
    """The zero value means that nothing was said (AIP-126)."""
    for enum in contract.enums.values():
        if enum.values[0].name != f"{enum.prefix}UNSPECIFIED" or enum.values[0].number:
            yield enum.place, enum.name, f"begin with {enum.prefix}UNSPECIFIED = 0"


def _fields(contract: Contract) -> Iterator[tuple[Message, Field]]:
    for message in contract.messages.values():
        if not message.name.startswith(_OPTIONS):
            yield from ((message, field) for field in message.fields)


def _missing(message: Message, wanted: dict[str, str]) -> Iterator[Problem]:
    for name, kind in wanted.items():
        field = message.field(name)
        if field is None or field.type != kind:
            yield message.place, message.name, f"add `{kind} {name}`"


def _etag_of_answer(contract: Contract, rpc: Rpc) -> bool:
    answer = contract.messages.get(rpc.output)
    return answer is not None and answer.field("etag") is not None


def _item(field: Field) -> str:
    return ".repeated.items" if field.repeated else ""


def _at(message: Message, field: Field, cure: str) -> Problem:
    return field.place, f"{message.name}.{field.name}", cure


RULES: tuple[Rule, ...] = (mutation, listing, update, bounded, items, behavior, times, zero)
