"""Real handlers over a real store against a plain model, step by step: what every such test has in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from services.chassis.db import session
from services.chassis.db.session import Codec, Database
from services.chassis.errors import ServiceError
from services.chassis.etags import EtagMismatch, etag_of
from services.chassis.keys import Keyring
from services.chassis.lists import ListQuery
from tests.conftest import Time

ETAGS = st.sampled_from(["", "", "current", "stale"])
SIZES = st.integers(1, 4)


class NumberedIds:
    """Ids that count, and sort as they count."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self, prefix: str) -> str:
        self._last += 1
        return f"{prefix}_{self._last:06d}"


class AgainstModel(RuleBasedStateMachine):
    """Does everything twice, to the store and to the model, and compares how it ends."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    pool: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.clock = Time()

    def emptied(self, empty: str, codec: Codec) -> Database:
        """Return the database as new."""
        self.wait(self.pool.execute(empty))
        return Database(self.pool, self.clock, NumberedIds(), Keyring(bytes(32)), codec, asyncio.Event())

    def both(self, modelled: Callable[[], Any], real: Callable[[], Coroutine[Any, Any, Any]], **later: float) -> Any:
        """Let both do something a minute later, or as much later as is said, and compare how it ends: well, or with which
        error. Return what came of the real one, None if that is an error."""
        self.clock.move(**later or {"minutes": 1})
        done, error = self.ended(lambda: self.wait(real()))
        _, wanted = self.ended(modelled)
        assert error == wanted
        return done

    def ended(self, work: Callable[[], Any]) -> tuple[Any, type[ServiceError] | None]:
        """Return what came of it, or the kind of error."""
        try:
            return work(), None
        except ServiceError as error:
            return None, type(error)

    def wait(self, work: Coroutine[Any, Any, Any] | Any) -> Any:
        return self.loop.run_until_complete(work)


def agrees(machine: type[AgainstModel], url: str, *, examples: int, steps: int) -> None:
    """Run a machine over the database of `url`: always the same examples, each of as many steps."""
    loop = machine.loop = asyncio.new_event_loop()
    machine.pool = loop.run_until_complete(session.connect(url, size=2, statement_timeout_s=10))
    bounded = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(machine, settings=bounded)
    finally:
        loop.run_until_complete(machine.pool.close())
        loop.close()


def etag_for(kind: str, version: int) -> str:
    """Return no etag, the one of now, or an old one."""
    return {"": "", "current": etag_of(version), "stale": etag_of(version + 7)}[kind]


async def every_page(read: Callable[[ListQuery], Coroutine[Any, Any, Any]], query: ListQuery) -> list[Any]:
    """Return all that a list has, page by page."""
    found: list[Any] = []
    while True:
        rows = await read(query)
        found += rows.items
        assert len(rows.items) <= query.size
        if rows.next is None:
            return found
        query = replace(query, after=rows.next)


# What models share


def same_version(etag: str, version: int, name: str) -> None:
    """Let a change pass that was made on the version of now, or on none in particular."""
    if etag and etag != etag_of(version):
        raise EtagMismatch(name)


def ordered(items: Iterable[Any], order: str, key: str) -> list[Any]:
    """Return items in the order of an `order_by`; what is alike, by the key, in the direction of the last field."""
    fields = [(field, bool(rest)) for field, _, rest in (part.strip().partition(" ") for part in order.split(",")) if field]
    fields.append((key, fields[-1][1] if fields else False))
    found = list(items)
    for name, descending in reversed(fields):
        found.sort(key=_value_of(name), reverse=descending)
    return found


def _value_of(name: str) -> Callable[[Any], Any]:
    return lambda item: getattr(item, name)
