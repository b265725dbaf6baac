"""The life of a service process: config → telemetry → adapters → server → drain → close. The only event loop.

A process stops in this order: health says NOT_SERVING → wait until the edge has seen it → stop accepting → calls in flight
finish → relay and consumers finish → connections close. No call is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
import uvloop
from grpc_health.v1 import health, health_pb2
from joserfc.jwk import ECKey

from services.chassis import memory, telemetry
from services.chassis.audit import Trail
from services.chassis.bus.broadcast import Follower
from services.chassis.bus.bus import EventBus, Subscription
from services.chassis.bus.valkey import ValkeyBus, connect_valkey
from services.chassis.clock import Clock, utc_now
from services.chassis.config import ServiceConfig
from services.chassis.consumers import Consumer
from services.chassis.db import session
from services.chassis.db.leader import lead
from services.chassis.db.relay import relay
from services.chassis.db.session import Codec, Database
from services.chassis.guesses import Guesses
from services.chassis.ids import IdGenerator
from services.chassis.jobs import Job
from services.chassis.keys import Keyring
from services.chassis.limits import TokenBucket
from services.chassis.revocations import Revocations
from services.chassis.rpc.client import channel
from services.chassis.rpc.server import Guards, Servicer, build_server
from services.chassis.tokens import ACCESS, SERVICE, Fetch, Keys, ServiceTokens, TokenVerifier, static_keys

log = structlog.get_logger()
MEETING_S = 10.0
CATCH_UP_S = 2.0  # what reading back revocations may take of a start


@dataclass(frozen=True, slots=True)
class Chassis:
    """What a service's wiring builds from."""

    config: Any
    now: Clock
    new_id: Callable[[str], str]
    keyring: Keyring
    database: Database
    channel: Callable[[str], Any]
    """Opens a channel to a target, with this service's token on every call."""
    revocations: Revocations
    """Whose tokens are over; known within a second."""
    buckets: TokenBucket
    """Limits how often; open while Valkey is away."""
    guesses: Guesses
    """Counts guesses at secrets, for all processes of the service."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """A service, wired: what it serves, what it consumes, what it does by itself, and where the keys come from."""

    servicers: Sequence[Servicer]
    jwks: Fetch
    """Fetches the public keys that access tokens are verified with."""
    consumers: Sequence[Consumer] = ()
    jobs: Sequence[Job] = ()
    """What one process of the service does again and again."""
    close: Sequence[Callable[[], Awaitable[None]]] = ()
    for_the_edge: Sequence[Servicer] = ()
    """Services of no contract of ours, which the edge calls about requests that it has not let through yet."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a service's `wiring.py` says of itself; `run()` does the rest."""

    name: str
    config: type[ServiceConfig]
    codec: Codec
    build: Callable[[Chassis], Awaitable[Assembly]]


@dataclass(slots=True)
class _Running:
    """Everything that has to be ended again, in the order it was begun."""

    stack: contextlib.AsyncExitStack
    unfinished: set[asyncio.Task[Any]] = field(default_factory=set)
    channels: list[Any] = field(default_factory=list)
    """To the services that this one calls."""


def run(service: Service, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, then drain. `ready` is called once health says SERVING."""
    uvloop.run(_serve(service, ready))


async def _serve(service: Service, ready: Callable[[], None]) -> None:
    config = service.config.load()
    stop_telemetry = telemetry.start(service.name, config)
    stopping = _stop_signal()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(stop_telemetry)
        running = _Running(stack)
        database, bus, buckets, guesses, revocations = await _adapters(service, config, running)
        assembly = await service.build(_chassis(config, database, buckets, guesses, revocations, running))
        for close in reversed(assembly.close):
            stack.push_async_callback(close)
        _start_events(service, config, database, bus, assembly, running)
        guards = _guards(service, config, database, buckets, guesses, revocations, assembly, running)
        server, probe = build_server(assembly.servicers, guards, assembly.for_the_edge)
        port = server.add_insecure_port(f"{config.host}:{config.port}")
        await server.start()
        memory.settle()
        await _say_serving(probe, assembly.servicers)
        log.info("serving", address=f"{config.host}:{port}")
        await _met(running.channels)
        ready()
        await stopping.wait()
        await _drain(server, probe, config, running)


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def _adapters(
    service: Service, config: ServiceConfig, running: _Running
) -> tuple[Database, EventBus, TokenBucket, Guesses, Revocations]:
    pool = await session.connect(
        config.database_url.get_secret_value(),
        size=config.database_pool_size,
        statement_timeout_s=config.statement_timeout_s,
    )
    running.stack.callback(pool.terminate)
    valkey = connect_valkey(config.valkey_url.get_secret_value())
    running.stack.push_async_callback(valkey.aclose)
    database = Database(
        pool=pool,
        now=utc_now,
        new_id=IdGenerator(utc_now, os.urandom).new,
        keyring=Keyring(bytes.fromhex(config.root_secret.get_secret_value())),
        codec=service.codec,
        committed=asyncio.Event(),
    )
    # Open on failure: a limit protects against too much, it does not guard a secret (docs/decisions).
    buckets, guesses = TokenBucket(valkey, on_failure="open"), Guesses(valkey, database.keyring)
    return database, ValkeyBus(valkey), buckets, guesses, await _followed(valkey, running)


async def _followed(valkey: Any, running: _Running) -> Revocations:
    """Return what was revoked; without Valkey, nothing for now: a token's lifetime is the backstop."""
    revocations = Revocations(utc_now)
    follower = Follower(valkey, revocations)
    _background(running, follower.run())
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(follower.caught_up.wait(), CATCH_UP_S)
    return revocations


def _chassis(
    config: ServiceConfig,
    database: Database,
    buckets: TokenBucket,
    guesses: Guesses,
    revocations: Revocations,
    running: _Running,
) -> Chassis:
    tokens = ServiceTokens(_service_key(config), audience=config.audience, clock=database.now)

    def open_channel(target: str) -> Any:
        opened = channel(target, tokens.token)
        running.stack.push_async_callback(opened.close)
        running.channels.append(opened)
        return opened

    return Chassis(
        config, database.now, database.new_id, database.keyring, database, open_channel, revocations, buckets, guesses
    )


def _service_key(config: ServiceConfig) -> ECKey:
    return ECKey.import_key(json.loads(config.service_key.get_secret_value()))


def _guards(
    service: Service,
    config: ServiceConfig,
    database: Database,
    buckets: TokenBucket,
    guesses: Guesses,
    revocations: Revocations,
    assembly: Assembly,
    running: _Running,
) -> Guards:
    users = TokenVerifier(
        Keys(assembly.jwks),
        kind=ACCESS,
        audience=config.audience,
        issuer=config.issuer,
        clock=database.now,
        revoked=revocations.revoked,
    )
    services = TokenVerifier(
        static_keys(config.service_keys), kind=SERVICE, audience=config.audience, issuer=None, clock=database.now
    )
    return Guards(
        service.name,
        users,
        services,
        database.keyring,
        buckets,
        config.max_concurrent_calls,
        running.unfinished,
        guesses,
        _trail(config, database, running),
    )


def _trail(config: ServiceConfig, database: Database, running: _Running) -> Trail:
    trail = Trail(database.announce, database.now, database.new_id, per_minute=config.audit_refusals_per_minute)
    running.stack.push_async_callback(trail.close)
    _background(running, trail.run())
    return trail


def _start_events(
    service: Service,
    config: ServiceConfig,
    database: Database,
    bus: EventBus,
    assembly: Assembly,
    running: _Running,
) -> None:
    url = config.database_url.get_secret_value()

    async def relaying() -> None:
        await relay(database, bus, service.name)

    consuming = {consumer.name: _consuming(bus, consumer) for consumer in assembly.consumers}
    _background(running, lead(url, {"relay": relaying, **consuming, **{job.name: job.run for job in assembly.jobs}}))


def _background(running: _Running, *works: Coroutine[Any, Any, None]) -> None:
    """Let something run beside the calls until the process stops."""
    tasks = [asyncio.create_task(work) for work in works]

    async def stop() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    running.stack.push_async_callback(stop)


def _consuming(bus: EventBus, consumer: Consumer) -> Callable[[], Awaitable[None]]:
    async def consume() -> None:
        many = consumer.handle_many if consumer.many else None
        await bus.consume(Subscription(consumer.name, tuple(consumer.topics), consumer.handle, many))

    return consume


async def _say_serving(probe: health.aio.HealthServicer, servicers: Sequence[Servicer]) -> None:
    for name in ["", *(servicer.descriptor.full_name for servicer in servicers)]:
        await probe.set(name, health_pb2.HealthCheckResponse.SERVING)


async def _met(channels: Sequence[Any]) -> None:
    """Wait a moment for the services that this one calls; whoever is away does not keep it from getting ready.

    They start at the same time, and a call that came before they have met would be refused for nothing.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MEETING_S):
            await asyncio.gather(*(channel.channel_ready() for channel in channels))


async def _drain(server: Any, probe: health.aio.HealthServicer, config: ServiceConfig, running: _Running) -> None:
    log.info("draining")
    await probe.enter_graceful_shutdown()
    await asyncio.sleep(config.drain_settle_s)
    await server.stop(config.drain_grace_s)
    if running.unfinished:
        await asyncio.wait(running.unfinished, timeout=config.drain_grace_s)
