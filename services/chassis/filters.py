"""The filter and order languages of List RPCs (AIP-160, AIP-132), as far as parsing goes; `db/lists.py` makes SQL of them.

    display_name: "ada" AND (create_time > "2026-01-01T00:00:00Z" OR NOT role = ROLE_OWNER)

`:` means "contains, whatever the case" for text. As AIP-160 says, OR binds tighter than AND.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import LarkError, UnexpectedInput, UnexpectedToken

from services.chassis.errors import InvalidArgument, invalid_field

MAX_LENGTH = 1000
MAX_TERMS = 50  # deeper or longer filters are nobody's honest question
_QUOTED = re.compile(r"""(?s)"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")
_NESTING = re.compile(r"\b(?:AND|OR|NOT)\b|\(|(?<![A-Za-z0-9_.:+])-")

_GRAMMAR = r"""
    ?expression: sequence ("AND" sequence)*       -> all
    ?sequence: factor ("OR" factor)*              -> any
    ?factor: "NOT" factor -> negated | "-" factor -> negated | "(" expression ")" | comparison
    comparison: FIELD OPERATOR value
    value: STRING | WORD
    FIELD: /[a-z][a-z0-9_.]*/
    WORD: /[A-Za-z0-9_.:+-]+/
    OPERATOR: "<=" | ">=" | "!=" | "=" | "<" | ">" | ":"
    STRING: /"(\\.|[^"\\])*"/s | /'(\\.|[^'\\])*'/s
    %ignore /\s+/
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`, the value as it was written."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a filter."""

    term: Filter


@dataclass(frozen=True, slots=True)
class All:
    """Every term holds."""

    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 -- `Any` is typing's
    """At least one term holds."""

    terms: tuple[Filter, ...]


Filter = Comparison | Not | All | Any_


def parse(text: str) -> Filter | None:
    """Return what a filter says, None for an empty one. Raises InvalidArgument with the place of the mistake."""
    if not text.strip():
        return None
    _check_size(text)
    try:
        parsed: Filter = _Build().transform(_parser().parse(text))
    except UnexpectedInput as error:
        raise _not_a_filter(f"cannot be read at {_place(error)}.") from None
    except LarkError:
        raise _not_a_filter("cannot be read.") from None
    return parsed


def _check_size(text: str) -> None:
    """Refuse what would be nested too deeply to read, and what no text column can hold. Raises InvalidArgument."""
    if len(text) > MAX_LENGTH:
        raise invalid_field("filter", f"must not be longer than {MAX_LENGTH} characters.", "filter.size")
    if len(_NESTING.findall(_QUOTED.sub("", text))) > MAX_TERMS:
        raise invalid_field("filter", f"has more than {MAX_TERMS} terms.", "filter.size")
    if "\0" in text:
        raise _not_a_filter("must not hold the character NUL.")


def parse_order(text: str) -> list[tuple[str, bool]]:
    """Return `(field, descending)` in order. Raises InvalidArgument."""
    order = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        field, _, direction = part.partition(" ")
        if direction.strip() not in ("", "asc", "desc"):
            raise invalid_field("order_by", f'{field} can be followed by "asc" or "desc" only.', "order_by.syntax")
        order.append((field, direction.strip() == "desc"))
    return order


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, start="expression", parser="lalr", lexer="contextual")


class _Build(Transformer[Token, Any]):
    """Turns the parse tree into the dataclasses above."""

    def all(self, terms: list[Filter]) -> Filter:
        return terms[0] if len(terms) == 1 else All(tuple(terms))

    def any(self, terms: list[Filter]) -> Filter:
        return terms[0] if len(terms) == 1 else Any_(tuple(terms))

    def negated(self, terms: list[Filter]) -> Filter:
        return Not(terms[0])

    def comparison(self, parts: list[Any]) -> Filter:
        field, operator, value = parts
        return Comparison(str(field), str(operator), value)

    def value(self, parts: list[Token]) -> str:
        [token] = parts
        if token.type != "STRING":
            return str(token)
        return "".join(_unescaped(str(token)[1:-1]))


def _unescaped(text: str) -> list[str]:
    characters = iter(text)
    return [next(characters, "") if character == "\\" else character for character in characters]


def _place(error: UnexpectedInput) -> str:
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    return "its end" if at_end or error.pos_in_stream is None else f"character {error.pos_in_stream + 1}"


def _not_a_filter(description: str) -> InvalidArgument:
    return invalid_field("filter", description, "filter.syntax")
