"""The gRPC server of a service, and THE list of everything that happens around its RPCs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.chassis.audit import Trail
from services.chassis.keys import Keyring
from services.chassis.limits import TokenBucket
from services.chassis.rpc.audited import audited
from services.chassis.rpc.auth import Verifier, authenticated, authorized
from services.chassis.rpc.deadlines import deadlines
from services.chassis.rpc.errors import errors_to_status
from services.chassis.rpc.guesses import Counter, guess_limited
from services.chassis.rpc.limits import rate_limited
from services.chassis.rpc.middleware import Method, Middleware, surrounded
from services.chassis.rpc.observed import observed, traced
from services.chassis.rpc.repeats import repeatable
from services.chassis.rpc.shedding import shed
from services.chassis.rpc.validation import bound_to_path, validated
from trellis.policies import POLICIES, Policy

MAX_MESSAGE_BYTES = 4 << 20
MAX_METADATA_BYTES = 64 << 10
"""More than the edge lets through (32 kB, and 32 bytes for each of a hundred headers). gRPC would begin to refuse at 8 kB,
now and then, with RESOURCE_EXHAUSTED, which clients repeat."""


@dataclass(frozen=True, slots=True)
class Servicer:
    """One gRPC service and what serves it."""

    descriptor: ServiceDescriptor
    add: Callable[[Any, grpc.aio.Server], None]
    """The generated `add_…Servicer_to_server`."""
    implementation: Any

    @classmethod
    def of(cls, implementation: Any) -> Servicer:
        """Take descriptor and generated function from the generated class that the implementation extends."""
        generated = next(parent for parent in type(implementation).__mro__ if parent.__module__.endswith("_pb2_grpc"))
        messages = import_module(generated.__module__.removesuffix("_grpc"))
        descriptor = messages.DESCRIPTOR.services_by_name[generated.__name__.removesuffix("Servicer")]
        return cls(
            descriptor, getattr(import_module(generated.__module__), f"add_{generated.__name__}_to_server"), implementation
        )


@dataclass(frozen=True, slots=True)
class Guards:
    """What the middleware needs to know beside the contract."""

    service: str
    users: Verifier
    services: Verifier
    keyring: Keyring
    buckets: TokenBucket
    max_concurrent_calls: int
    unfinished: set[asyncio.Task[Any]]
    """Mutations that outlived their call; the drain waits for them."""
    guesses: Counter | None = None
    """Counts guesses at secrets; None limits none."""
    trail: Trail | None = None
    """Tells of audited calls; None tells of none."""


def middleware(guards: Guards) -> list[Middleware]:
    """Return what stands around every RPC, outermost first; the comment says why it stands there."""
    return [
        traced(),  # everything below is inside the span
        observed(guards.service),  # sees the final status
        errors_to_status(guards.service),  # everything below may raise ServiceError
        shed(guards.max_concurrent_calls),  # before any work is done
        deadlines(guards.unfinished),  # bounds all that waits
        authenticated(guards.users, guards.services),  # sets the principal
        audited(guards.trail),  # knows the caller, sees every refusal
        authorized(),  # before validation: strangers learn nothing about the request
        bound_to_path(),  # the message is what the URL said
        validated(),  # handlers see well-formed requests only
        rate_limited(guards.buckets),  # after validation: nonsense costs no token
        guess_limited(guards.guesses),  # before the secret is looked at
        repeatable(guards.keyring),  # innermost: only what would run is remembered
    ]


def build_server(
    servicers: Sequence[Servicer], guards: Guards, for_the_edge: Sequence[Servicer] = ()
) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    """Return the server, not yet bound, and its health, NOT_SERVING until said otherwise."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_metadata_size", MAX_METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
            ("grpc.max_concurrent_streams", 1000),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ],
    )
    around = middleware(guards)
    for servicer in servicers:
        servicer.add(surrounded(servicer.implementation, _methods(servicer.descriptor), around), server)
    for servicer in for_the_edge:
        methods = [_unlisted(servicer.descriptor, rpc) for rpc in servicer.descriptor.methods]
        servicer.add(surrounded(servicer.implementation, methods, [errors_to_status(guards.service)]), server)
    probe = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(probe, server)
    names = [servicer.descriptor.full_name for servicer in servicers]
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    return server, probe


def _methods(descriptor: ServiceDescriptor) -> list[Method]:
    return [
        Method(
            POLICIES[f"/{descriptor.full_name}/{rpc.name}"],
            _type(rpc.input_type),
            _type(rpc.output_type),
            rpc.client_streaming,
            rpc.server_streaming,
            rpc.name,
        )
        for rpc in descriptor.methods
    ]


def _unlisted(service: ServiceDescriptor, rpc: Any) -> Method:
    """Return a method that no contract of ours has: anybody who reaches the process may call it, and it costs little."""
    return Method(
        Policy(
            method=f"/{service.full_name}/{rpc.name}",
            service="",
            access="public",
            permission="",
            callers=(),
            timeout_s=0,
            repeatable="always",
            rate_limit=None,
            audited=False,
            resources=(),
            bindings=(),
            validated=False,
            slo_latency_ms=0,
            slo_success=0,
            reasons=(),
            api_keys=False,
        ),
        _type(rpc.input_type),
        _type(rpc.output_type),
        rpc.client_streaming,
        rpc.server_streaming,
        rpc.name,
    )


def _type(descriptor: Any) -> type[Message]:
    return message_factory.GetMessageClass(descriptor)
