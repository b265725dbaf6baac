"""The event port in memory, with the promises of `tests/contract/chassis/test_bus.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from services.chassis.bus.bus import DeadLetter, Event, Subscription


@dataclass(slots=True)
class _Waiting:
    """An event a subscription has not had yet."""

    event: Event
    failures: int = 0
    due_s: float = 0.0


@dataclass(slots=True)
class _Position:
    """What one subscription has still to get, and what it gave up."""

    waiting: list[_Waiting] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)


class FakeBus:
    """EventBus without a server."""

    def __init__(self) -> None:
        self.published: list[Event] = []
        self._positions: dict[str, _Position] = {}
        self._changed = asyncio.Condition()
        self._numbers = count(1)

    async def publish(self, events: Sequence[Event]) -> None:
        self.published += events
        for position in self._positions.values():
            position.waiting += [_Waiting(event) for event in events]
        await self._notify()

    async def consume(self, subscription: Subscription) -> None:
        position = self._position(subscription.name)
        while True:
            position.waiting = [each for each in position.waiting if each.event.topic in subscription.topics]
            if (waiting := _next_due(position.waiting)) is not None:
                await self._deliver(waiting, position, subscription)
            else:
                await self._pause(position)

    async def dead_letters(self, subscription: str) -> list[DeadLetter]:
        return list(self._position(subscription).dead)

    async def replay(self, subscription: str) -> int:
        position = self._position(subscription)
        letters, position.dead = position.dead, []
        position.waiting += [_Waiting(letter.event) for letter in letters]
        await self._notify()
        return len(letters)

    def _position(self, subscription: str) -> _Position:
        kept = [_Waiting(event) for event in self.published]
        return self._positions.setdefault(subscription, _Position(kept))

    async def _deliver(self, waiting: _Waiting, position: _Position, subscription: Subscription) -> None:
        work = asyncio.ensure_future(self._handle(waiting, position, subscription))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await work
            raise

    async def _handle(self, waiting: _Waiting, position: _Position, subscription: Subscription) -> None:
        try:
            await subscription.handle(waiting.event)
        except Exception as error:
            waiting.failures += 1
            waiting.due_s = _now_s() + subscription.wait_s(waiting.failures)
            if waiting.failures < subscription.max_deliveries:
                return
            reason = f"{type(error).__name__}, failed {waiting.failures} times"
            position.dead.append(DeadLetter(str(next(self._numbers)), waiting.event, reason))
        position.waiting.remove(waiting)

    async def _pause(self, position: _Position) -> None:
        due_s = min((each.due_s for each in position.waiting), default=_now_s() + 1)
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.001, due_s - _now_s()))
            except TimeoutError:
                return

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _next_due(waiting: list[_Waiting]) -> _Waiting | None:
    """Return the first event that is due and behind no other of its subject."""
    held_back: set[str] = set()
    for each in waiting:
        if each.event.subject not in held_back and each.due_s <= _now_s():
            return each
        held_back.add(each.event.subject)
    return None


def _now_s() -> float:
    return asyncio.get_running_loop().time()
