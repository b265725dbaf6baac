"""The filter and order languages: what they say, and that nothing else gets through."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.chassis.errors import InvalidArgument
from services.chassis.filters import All, Any_, Comparison, Filter, Not, parse, parse_order

A, B, C = (Comparison(field, "=", "1") for field in "abc")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a = 1", A),
        ("a=1", A),
        ("a = 1 AND b = 1 AND c = 1", All((A, B, C))),
        ("a = 1 OR b = 1", Any_((A, B))),
        ("a = 1 AND b = 1 OR c = 1", All((A, Any_((B, C))))),
        ("(a = 1 AND b = 1) OR c = 1", Any_((All((A, B)), C))),
        ("NOT a = 1", Not(A)),
        ("-a = 1", Not(A)),
        ("NOT (a = 1 OR b = 1)", Not(Any_((A, B)))),
        ("NOT NOT a = 1", Not(Not(A))),
        ("((a = 1))", A),
        ('name: "ada"', Comparison("name", ":", "ada")),
        ("name != 'it\\'s'", Comparison("name", "!=", "it's")),
        (r'name = "a \"quoted\" \\ word"', Comparison("name", "=", r'a "quoted" \ word')),
        ('name = "two\nlines \\\n three"', Comparison("name", "=", "two\nlines \n three")),
        ('name = "AND (-"', Comparison("name", "=", "AND (-")),
        ("n >= -5", Comparison("n", ">=", "-5")),
        ("create_time <= 2026-01-31T12:00:00+01:00", Comparison("create_time", "<=", "2026-01-31T12:00:00+01:00")),
        ("role = ROLE_OWNER", Comparison("role", "=", "ROLE_OWNER")),
        ("address.city < x", Comparison("address.city", "<", "x")),
    ],
)
def test_a_filter_means_what_aip_160_says(text: str, meaning: Filter) -> None:
    assert parse(text) == meaning


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_no_filter_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("a = ", "cannot be read at its end."),
        ("a == 1", "cannot be read at character 4."),
        ("a = 1 b = 2", "cannot be read at character 7."),
        ("(a = 1", "cannot be read at its end."),
        ('a = "unfinished', "cannot be read at character 5."),
        ("A = 1", "cannot be read at character 1."),
        ("a = 1; DROP TABLE users", "cannot be read at character 6."),
        ('a = "\0"', "must not hold the character NUL."),
        ("(" * 60 + "a = 1" + ")" * 60, "has more than 50 terms."),
        ("-" * 60 + "a = 1", "has more than 50 terms."),
        ("NOT " * 60 + "a = 1", "has more than 50 terms."),
        ("a = 1" + " " * 1000, "must not be longer than 1000 characters."),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, description: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        parse(text)

    [violation] = refusal.value.fields
    assert (violation.field, violation.description) == ("filter", description)


def test_dashes_and_words_inside_values_are_no_terms() -> None:
    text = "a = 1 AND " * 7 + 'b = "' + "-" * 70 + '" AND c = 2026-01-31'

    assert isinstance(parse(text), All)


_PIECES = st.lists(st.sampled_from(["a", "=", "1", "(", ")", "-", "NOT ", " AND ", " OR ", '"', "'", "\\", " ", "<=", ":"]))


@given(st.text() | _PIECES.map("".join))
@example("(" * 1000)
@example("-" * 1000)
@example("a=1 OR " * 140)
def test_any_text_is_a_filter_or_an_invalid_argument(text: str) -> None:
    try:
        parsed = parse(text)
    except InvalidArgument as refusal:
        assert refusal.fields[0].field == "filter"  # noqa: PT017 -- either outcome is right
    else:
        assert parsed is None or isinstance(parsed, Comparison | Not | All | Any_)


def _written(term: Filter) -> str:
    match term:
        case Comparison(field, operator, value):
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'{field} {operator} "{escaped}"'
        case Not(inner):
            return f"NOT ({_written(inner)})"
        case All(terms):
            return " AND ".join(f"({_written(each)})" for each in terms)
        case Any_(terms):
            return " OR ".join(f"({_written(each)})" for each in terms)


_COMPARISONS = st.builds(
    Comparison,
    st.from_regex("[a-z][a-z0-9_]{0,5}", fullmatch=True),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">=", ":"]),
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8),
)
_FILTERS = st.recursive(
    _COMPARISONS,
    lambda terms: (
        terms.map(Not)
        | st.lists(terms, min_size=2, max_size=3).map(lambda each: All(tuple(each)))
        | st.lists(terms, min_size=2, max_size=3).map(lambda each: Any_(tuple(each)))
    ),
    max_leaves=6,
)


@given(_FILTERS)
def test_what_is_written_is_read_again(term: Filter) -> None:
    assert parse(_written(term)) == term


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", []),
        ("name", [("name", False)]),
        ("create_time desc, name", [("create_time", True), ("name", False)]),
        (" a  asc ,b desc ", [("a", False), ("b", True)]),
    ],
)
def test_an_order_is_read_from_left_to_right(text: str, order: list[tuple[str, bool]]) -> None:
    assert parse_order(text) == order


@pytest.mark.parametrize("text", ["name down", "name DESC", "a desc b", "a desc asc"])
def test_an_order_knows_two_directions(text: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        parse_order(text)

    assert refusal.value.fields[0].field == "order_by"


@given(st.text())
def test_any_text_is_an_order_or_an_invalid_argument(text: str) -> None:
    try:
        parse_order(text)
    except InvalidArgument as refusal:
        assert refusal.fields[0].field == "order_by"  # noqa: PT017 -- either outcome is right
