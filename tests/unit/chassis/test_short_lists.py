"""Lists held in memory: what SQL would answer, without SQL."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from services.chassis.errors import InvalidArgument
from services.chassis.lists import ListQuery
from services.chassis.short_lists import page


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    kind: str
    old: bool


THINGS = [Thing("d", "Cup", True), Thing("b", "cup", False), Thing("a", "jug", False), Thing("c", "jug", True)]


def names(**query: object) -> str:
    """Return the names of all pages, pages of one after the other."""
    found, after = "", None
    while True:
        rows = page(
            THINGS,
            ListQuery(**query, size=1, after=after),  # type: ignore[arg-type]
            key="name",
            fields=("name", "kind", "old"),
            sortable=("name", "kind"),
        )
        found += "".join(thing.name for thing in rows.items)
        if (after := rows.next) is None:
            return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "abcd"),
        ({"order_by": "name desc"}, "dcba"),
        ({"order_by": "kind"}, "dbac"),
        ({"order_by": "kind desc"}, "cabd"),
        ({"order_by": "kind desc, name"}, "acbd"),
        ({"filter": 'kind = "jug"'}, "ac"),
        ({"filter": 'kind:"CU"'}, "bd"),
        ({"filter": 'name > "b" AND old = true'}, "cd"),
        ({"filter": 'NOT (name = "a" OR old = true)'}, "b"),
        ({"filter": "old != false"}, "cd"),
    ],
)
def test_filters_sorts_and_pages(query: dict[str, str], expected: str) -> None:
    assert names(**query) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"filter": "weight = 1"}, "filter"),
        ({"filter": 'name = "z" AND weight = 1'}, "filter"),
        ({"filter": "old = perhaps"}, "filter"),
        ({"filter": "old:true"}, "filter"),
        ({"order_by": "old"}, "order_by"),
    ],
)
def test_names_what_it_cannot_answer(query: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        names(**query)

    assert [violation.field for violation in caught.value.fields] == [field]
