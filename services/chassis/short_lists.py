"""Lists that are short enough to be held in memory: the filter, order and position of a query over texts and booleans."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from services.chassis import filters
from services.chassis.errors import invalid_field
from services.chassis.lists import ListQuery, Rows

T = TypeVar("T")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_BOOLEANS = {"true": True, "false": False}


def page(items: Iterable[T], query: ListQuery, *, key: str, fields: Sequence[str], sortable: Sequence[str]) -> Rows[T]:
    """Return one page, by default in the order of the unique `key`. Raises InvalidArgument."""
    order = _order(query.order_by, key, sortable)
    wanted = filters.parse(query.filter)
    found = [item for item in items if wanted is None or _holds(wanted, item, fields)]
    for field, descending in reversed(order):
        found.sort(key=operator.attrgetter(field), reverse=descending)
    if query.after is not None:
        found = [item for item in found if _is_after(item, query.after, order)]
    more = len(found) > query.size
    found = found[: query.size]
    return Rows(found, tuple(getattr(found[-1], field) for field, _ in order) if more else None)


def _order(text: str, key: str, sortable: Sequence[str]) -> list[tuple[str, bool]]:
    order = filters.parse_order(text)
    for field, _ in order:
        if field not in sortable:
            raise invalid_field("order_by", f"{field} cannot be sorted by; {', '.join(sortable)} can.", "order_by.field")
    return [*order, (key, order[-1][1] if order else False)]


def _is_after(item: Any, position: tuple[Any, ...], order: list[tuple[str, bool]]) -> bool:
    for (field, descending), value in zip(order, position, strict=True):
        if getattr(item, field) != value:
            return bool((getattr(item, field) < value) == descending)
    return False


def _holds(term: filters.Filter, item: Any, fields: Sequence[str]) -> bool:
    match term:
        case filters.All(terms):
            return False not in [_holds(each, item, fields) for each in terms]  # each is read: a mistake in any is told
        case filters.Any_(terms):
            return True in [_holds(each, item, fields) for each in terms]
        case filters.Not(inner):
            return not _holds(inner, item, fields)
        case filters.Comparison(field, comparison, text):
            if field not in fields:
                raise invalid_field("filter", f"there is no field {field}; {', '.join(fields)} are.", "filter.field")
            return _compared(getattr(item, field), comparison, text, field)


def _compared(value: Any, comparison: str, text: str, field: str) -> bool:
    if isinstance(value, str) and comparison == ":":
        return text.casefold() in value.casefold()
    if comparison not in _COMPARE:
        raise invalid_field("filter", f"{field} cannot be compared with {comparison}.", "filter.value")
    if not isinstance(value, bool):
        return _COMPARE[comparison](value, text)
    if text not in _BOOLEANS:
        raise invalid_field("filter", f"{field} must be one of {', '.join(_BOOLEANS)}.", "filter.value")
    return _COMPARE[comparison](value, _BOOLEANS[text])
