"""Other services' events become work here: each in a unit of work that remembers having seen it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, SpanKind

from services.chassis import repeat
from services.chassis.bus.bus import Event

Consume = Callable[[Event], Awaitable[None]]
ConsumeMany = Callable[[Sequence[Event]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Consumer:
    """One durable subscription of a service: what it does with each topic it reads."""

    name: str
    """Name of the subscription, for example `user.accounts`; its position and its inbox are kept under it."""
    topics: Mapping[str, Consume]
    many: ConsumeMany | None = None
    """What does the same with several events in one unit of work, where that is worth having."""

    async def handle(self, event: Event) -> None:
        """Let the topic's function take effect once, however often the event is delivered."""
        carrier = {"traceparent": event.traceparent}
        tracer = trace.get_tracer("trellis.chassis")
        with tracer.start_as_current_span(event.topic, propagate.extract(carrier), SpanKind.CONSUMER):
            token = repeat.current.set(repeat.Delivery(self.name, (event.id,)))
            try:
                await self.topics[event.topic](event)
            except repeat.AlreadyDone:
                return
            finally:
                repeat.current.reset(token)

    async def handle_many(self, events: Sequence[Event]) -> None:
        """Let the events take effect together, or none of them. Raises AlreadyDone if one of them did before."""
        assert self.many is not None
        tracer = trace.get_tracer("trellis.chassis")
        with tracer.start_as_current_span(self.name, kind=SpanKind.CONSUMER, links=[_link(event) for event in events]):
            token = repeat.current.set(repeat.Delivery(self.name, tuple(event.id for event in events)))
            try:
                await self.many(events)
            finally:
                repeat.current.reset(token)


def _link(event: Event) -> Link:
    """Return what leads from the span of many events to the trace of one."""
    context = propagate.extract({"traceparent": event.traceparent})
    return Link(trace.get_current_span(context).get_span_context())
