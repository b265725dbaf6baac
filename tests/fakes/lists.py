"""Lists in memory: the filter, order and position of a query over plain objects."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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


Enums = Mapping[str, Mapping[str, Any]]


def page(
    items: Iterable[T],
    query: ListQuery,
    *,
    key: str,
    fields: Sequence[str],
    sortable: Sequence[str],
    default_order: str,
    enums: Enums | None = None,
) -> Rows[T]:
    """Return one page. `enums` has the values that clients write by name."""
    order = _order(query.order_by or default_order, sortable)
    order.append((key, order[-1][1] if order else False))
    wanted = filters.parse(query.filter)
    known = _Fields(fields, enums or {})
    found = [item for item in items if wanted is None or known.hold(wanted, item)]
    for field, descending in reversed(order):
        found.sort(key=operator.attrgetter(field), reverse=descending)
    if query.after is not None:
        found = [item for item in found if _is_after(item, query.after, order)]
    more = len(found) > query.size
    found = found[: query.size]
    return Rows(found, tuple(getattr(found[-1], field) for field, _ in order) if more else None)


def _order(text: str, sortable: Sequence[str]) -> list[tuple[str, bool]]:
    order = filters.parse_order(text)
    for field, _ in order:
        if field not in sortable:
            raise invalid_field("order_by", f"{field} cannot be sorted by.", "order_by.field")
    return order


def _is_after(item: Any, position: tuple[Any, ...], order: list[tuple[str, bool]]) -> bool:
    for (field, descending), value in zip(order, position, strict=True):
        if getattr(item, field) != value:
            return bool((getattr(item, field) < value) == descending)
    return False


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields a filter may name."""

    names: Sequence[str]
    enums: Enums

    def hold(self, term: filters.Filter, item: Any) -> bool:
        match term:
            case filters.All(terms):
                return False not in [self.hold(each, item) for each in terms]  # each is read: a mistake in any is told
            case filters.Any_(terms):
                return True in [self.hold(each, item) for each in terms]
            case filters.Not(inner):
                return not self.hold(inner, item)
            case filters.Comparison(field, comparison, text):
                return self._compared(field, comparison, text, item)

    def _compared(self, field: str, comparison: str, text: str, item: Any) -> bool:
        name, *path = field.split(".")
        if name not in self.names:
            raise invalid_field("filter", f"there is no field {field}.", "filter.field")
        value = getattr(item, name)
        if value is None:
            return False  # as in SQL
        if isinstance(value, dict) or path:
            return _inside(value, path, comparison, text, field)
        if comparison == ":" and isinstance(value, str) and field not in self.enums:
            return text.casefold() in value.casefold()
        if comparison not in _COMPARE:
            raise invalid_field("filter", f"{field} cannot be compared with {comparison}.", "filter.value")
        return _COMPARE[comparison](value, self._value(field, text, value))

    def _value(self, field: str, text: str, like: Any) -> Any:
        if field in self.enums:
            return _enum_value(field, text, self.enums[field])
        if isinstance(like, bool):
            return _enum_value(field, text, {"true": True, "false": False})
        if isinstance(like, int) and re.fullmatch(r"-?[0-9]{1,18}", text):
            return int(text)
        if isinstance(like, int):
            return _integer(field, text)
        return _time(field, text) if isinstance(like, datetime) else text


def _inside(value: Any, path: list[str], comparison: str, text: str, field: str) -> bool:
    """Compare the text of a value inside a document; what is not there is like nothing, as NULL is."""
    if not path or not isinstance(value, dict):
        raise invalid_field("filter", f"there is no field {field}.", "filter.field")
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return False
    found = value if isinstance(value, str) else json.dumps(value)
    if comparison == ":":
        return text.casefold() in found.casefold()
    return _COMPARE[comparison](found, text)


def _enum_value(field: str, text: str, names: Mapping[str, Any]) -> Any:
    if text not in names:
        raise invalid_field("filter", f"{field} must be one of {', '.join(names)}.", "filter.value")
    return names[text]


def _integer(field: str, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
        raise invalid_field("filter", f"{field} must be compared with a whole number.", "filter.value")
    return int(text)


def _time(field: str, text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise invalid_field("filter", f"{field} must be compared with a time.", "filter.value") from None
    if time.tzinfo is None:
        raise invalid_field("filter", f"{field} must be compared with a time that names its zone.", "filter.value")
    return time
