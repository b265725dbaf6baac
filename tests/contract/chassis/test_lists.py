"""Filters, orders and keyset pages in a real PostgreSQL, against the same questions asked of a list in Python."""

from __future__ import annotations

import asyncio
import operator
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import BigInteger, Boolean, Column, DateTime, MetaData, SmallInteger, Table, Text, bindparam, select

from cli.engines.postgres import PostgresEngine
from services.chassis.db import session
from services.chassis.db.lists import Listing
from services.chassis.db.session import Codec, Database, Row
from services.chassis.errors import InvalidArgument
from services.chassis.filters import All, Any_, Comparison, Filter, Not
from services.chassis.keys import Keyring
from services.chassis.lists import ListQuery
from tests import engines
from tests.conftest import NOON, Ids, Time

SHELVES = Table(
    "shelves",
    MetaData(),
    Column("name", Text(collation="C"), primary_key=True),
    Column("room", Text(collation="C")),
    Column("title", Text(collation="C")),
    Column("size", BigInteger),
    Column("level", SmallInteger),
    Column("open", Boolean),
    Column("create_time", DateTime(timezone=True)),
)
LEVELS = {"LEVEL_LOW": 1, "LEVEL_HIGH": 2}
FIELDS = {column.name: column for column in SHELVES.c if column.name != "room"}
LISTING = Listing(
    select(SHELVES).where(SHELVES.c.room == bindparam("room")),
    key=SHELVES.c.name,
    fields=FIELDS,
    sortable=("title", "size", "create_time"),
    enums={"level": LEVELS},
    default_order="size desc",
)


@dataclass(frozen=True, slots=True)
class Shelf:
    name: str
    room: str
    title: str
    size: int
    level: int
    open: bool
    create_time: datetime


def _shelf(row: Row) -> Shelf:
    return Shelf(**{column.name: row[column.name] for column in SHELVES.c})


TITLES = ("Ada", "ada", "50%", "a_b", "back\\slash", "it's", 'say "hi"', "", "Ärger", "/")
CHANCE = random.Random(7)
STOCK = [
    Shelf(
        name=f"shelves/{number:03}",
        room="a",
        title=CHANCE.choice(TITLES),
        size=CHANCE.randint(-2, 2),
        level=CHANCE.choice([1, 2]),
        open=CHANCE.random() < 0.5,
        create_time=NOON + timedelta(minutes=CHANCE.randint(0, 3)),
    )
    for number in range(60)
]
Ask = Callable[..., Awaitable[list[Shelf]]]


@pytest.fixture(scope="module")
def stocked(postgres: PostgresEngine) -> str:
    """The URL of a database with the stock of room a, and one shelf of room b."""
    url = engines.fresh_database(postgres, "user")
    asyncio.run(_stock(url))
    return url


async def _stock(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        'CREATE TABLE shelves (name text COLLATE "C" PRIMARY KEY, room text, title text COLLATE "C", size bigint,'
        " level smallint, open boolean, create_time timestamptz)"
    )
    rows = [*STOCK, Shelf("shelves/other", "b", "Ada", 0, 1, True, NOON)]
    await connection.executemany("INSERT INTO shelves VALUES ($1, $2, $3, $4, $5, $6, $7)", [astuple(r) for r in rows])
    await connection.close()


@pytest.fixture
async def database(stocked: str, time: Time, ids: Ids, keyring: Keyring) -> AsyncIterator[Database]:
    """The stocked database."""
    pool = await session.connect(stocked, size=1, statement_timeout_s=10)
    yield Database(pool, time, ids, keyring, Codec(lambda _: _, lambda _: _), asyncio.Event())
    await pool.close()


@pytest.fixture
def ask(database: Database) -> Ask:
    """Asks for one page and returns its shelves."""

    async def asked(**query: Any) -> list[Shelf]:
        return (await LISTING.page(database, ListQuery(**{"size": 1000, **query}), _shelf, room="a")).items

    return asked


@pytest.mark.parametrize(
    ("filter_text", "holds"),
    [
        ('title = "Ada"', lambda s: s.title == "Ada"),
        ('title: "ada"', lambda s: "ada" in s.title.lower()),
        ('title: "%"', lambda s: "%" in s.title),
        ('title: "_"', lambda s: "_" in s.title),
        ('title: "\\\\"', lambda s: "\\" in s.title),
        ('title: "/"', lambda s: "/" in s.title),
        ('title: "ÄRGER"', lambda s: "ärger" in s.title.lower()),
        ('title = "it\'s"', lambda s: s.title == "it's"),
        ('title = ""', lambda s: s.title == ""),
        ("title = \"x' OR '1'='1\"", lambda s: False),
        ("size >= -1 AND size < 2", lambda s: -1 <= s.size < 2),
        ("size = 9223372036854775807", lambda s: False),
        ("level = LEVEL_HIGH", lambda s: s.level == 2),
        ("open = true", lambda s: s.open),
        ("NOT open = true", lambda s: not s.open),
        ("create_time > 2026-01-01T12:01:00Z", lambda s: s.create_time > NOON + timedelta(minutes=1)),
        ("create_time > 2026-01-01T14:01:00+02:00", lambda s: s.create_time > NOON + timedelta(minutes=1)),
        ('name = "shelves/007"', lambda s: s.name == "shelves/007"),
        ("size = 1 AND level = LEVEL_LOW OR open = false", lambda s: s.size == 1 and (s.level == 1 or not s.open)),
    ],
)
async def test_a_filter_finds_what_it_says(ask: Ask, filter_text: str, holds: Callable[[Shelf], bool]) -> None:
    found = await ask(filter=filter_text, order_by="")

    assert {shelf.name for shelf in found} == {shelf.name for shelf in STOCK if holds(shelf)}


@pytest.mark.parametrize(
    "filter_text",
    [
        "room = a",
        "nothing = 1",
        "size = many",
        "size = 1.5",
        "size = 9223372036854775808",
        "size: 1",
        "level = LEVEL_UNKNOWN",
        "level: LEVEL_LOW",
        "open = yes",
        "create_time > yesterday",
        "create_time > 2026-01-01T12:00:00",
        "create_time > 0001-01-01T00:00:00+14:00",
        "create_time: 2026-01-01T12:00:00Z",
    ],
)
async def test_a_filter_that_fits_no_field_is_an_invalid_argument(ask: Ask, filter_text: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        await ask(filter=filter_text)

    assert refusal.value.fields[0].field == "filter"


@pytest.mark.parametrize("order_by", ["room", "open", "name; DROP TABLE shelves", "level desc"])
async def test_only_what_is_sortable_sorts(ask: Ask, order_by: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        await ask(order_by=order_by)

    assert refusal.value.fields[0].field == "order_by"


def _sorted(order_by: str) -> list[Shelf]:
    terms = [part.split() for part in order_by.split(",")]
    shelves = sorted(STOCK, key=lambda shelf: shelf.name, reverse=terms[-1][-1] == "desc")
    for field, *direction in reversed(terms):
        shelves.sort(key=operator.attrgetter(field), reverse=direction == ["desc"])
    return shelves


@pytest.mark.parametrize("size", [1, 7, 59, 60, 61])
@pytest.mark.parametrize("order_by", ["size", "size desc", "title desc, create_time", "create_time, size desc, title"])
async def test_pages_show_every_row_once_in_order(database: Database, order_by: str, size: int) -> None:
    seen: list[Shelf] = []
    after: tuple[Any, ...] | None = ()
    while after is not None:
        query = ListQuery(order_by=order_by, size=size, after=after or None)
        page = await LISTING.page(database, query, _shelf, room="a")
        assert len(page.items) <= size
        seen += page.items
        after = page.next

    assert seen == _sorted(order_by)


async def test_without_an_order_the_default_sorts(ask: Ask) -> None:
    assert await ask() == _sorted("size desc")


async def test_rows_that_come_and_go_between_pages_move_no_others(database: Database) -> None:
    first = await LISTING.page(database, ListQuery(order_by="title", size=20), _shelf, room="a")
    gone = first.items[3]
    await database.pool.execute("DELETE FROM shelves WHERE name = $1", gone.name)
    await database.pool.execute("INSERT INTO shelves VALUES ('shelves/new', 'a', '', 0, 1, true, $1)", NOON)

    rest = await LISTING.page(database, ListQuery(order_by="title", size=1000, after=first.next), _shelf, room="a")

    await database.pool.execute("DELETE FROM shelves WHERE name = 'shelves/new'")
    await database.pool.execute("INSERT INTO shelves VALUES ($1, $2, $3, $4, $5, $6, $7)", *astuple(gone))
    assert [*first.items, *rest.items] == _sorted("title")


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    ":": lambda whole, part: part.lower() in whole.lower(),
}
_READ: dict[str, Callable[[str], Any]] = {"title": str, "size": int, "create_time": datetime.fromisoformat}


def _random_filter(chance: random.Random, depth: int = 3) -> Filter:
    kind = chance.choice(["comparison", "not", "all", "any"]) if depth else "comparison"
    if kind == "not":
        return Not(_random_filter(chance, depth - 1))
    if kind in ("all", "any"):
        terms = tuple(_random_filter(chance, depth - 1) for _ in range(2))
        return All(terms) if kind == "all" else Any_(terms)
    field = chance.choice(["title", "size", "create_time"])
    value: object = {
        "title": chance.choice(TITLES),
        "size": chance.randint(-3, 3),
        "create_time": (NOON + timedelta(minutes=chance.randint(-1, 4))).isoformat(),
    }[field]
    return Comparison(field, chance.choice([*_COMPARE][: 7 if field == "title" else 6]), str(value))


def _text(term: Filter) -> str:
    match term:
        case Comparison(field, comparison, value):
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'{field} {comparison} "{escaped}"'
        case Not(inner):
            return f"-({_text(inner)})"
        case All(terms):
            return f"({_text(terms[0])} AND {_text(terms[1])})"
        case Any_(terms):
            return f"({_text(terms[0])} OR {_text(terms[1])})"


def _holds(term: Filter, shelf: Shelf) -> bool:
    match term:
        case Comparison(field, comparison, text):
            return _COMPARE[comparison](getattr(shelf, field), _READ[field](text))
        case Not(inner):
            return not _holds(inner, shelf)
        case All(terms):
            return all(_holds(each, shelf) for each in terms)
        case Any_(terms):
            return any(_holds(each, shelf) for each in terms)


async def test_postgres_and_python_agree_on_random_filters(ask: Ask) -> None:
    chance = random.Random(11)
    filters = [_random_filter(chance) for _ in range(150)]

    found = [{shelf.name for shelf in await ask(filter=_text(each))} for each in filters]

    assert found == [{shelf.name for shelf in STOCK if _holds(each, shelf)} for each in filters]
