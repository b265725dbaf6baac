"""Other services' events become work here: each in a unit of work that remembers having seen it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind

from services.chassis import repeat
from services.chassis.bus.bus import Event

Consume = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Consumer:
    """One durable subscription of a service: what it does with each topic it reads."""

    name: str
    """Name of the subscription, for example `user.accounts`; its position and its inbox are kept under it."""
    topics: Mapping[str, Consume]

    async def handle(self, event: Event) -> None:
        """Let the topic's function take effect once, however often the event is delivered."""
        carrier = {"traceparent": event.traceparent}
        tracer = trace.get_tracer("trellis.chassis")
        with tracer.start_as_current_span(event.topic, propagate.extract(carrier), SpanKind.CONSUMER):
            token = repeat.current.set(repeat.Delivery(self.name, event.id))
            try:
                await self.topics[event.topic](event)
            except repeat.AlreadyDone:
                return
            finally:
                repeat.current.reset(token)
