"""Traces and metrics of a running platform, as a collector and a Prometheus see them."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from tests.e2e.client import sign_up
from tests.e2e.platform import Platform, eventually, free_base

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector(trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer):
    """An OTLP endpoint that remembers who sent which span."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, str]] = []
        """Service, trace id and name of every span."""

    def Export(self, request: Any, context: Any) -> Any:
        """Take spans; metrics have the same method name and are taken and forgotten."""
        if isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest):
            return metrics_service_pb2.ExportMetricsServiceResponse()
        for resource in request.resource_spans:
            [service] = [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
            self.spans += [
                (service, span.trace_id.hex(), span.name) for scope in resource.scope_spans for span in scope.spans
            ]
        return trace_service_pb2.ExportTraceServiceResponse()

    def services_of(self, trace: str) -> set[str]:
        """Return who took part in a trace."""
        return {service for service, found, _ in self.spans if found == trace}


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[Collector, int]]:
    """A collector and its port."""
    taken = Collector()
    server = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(taken, server)  # type: ignore[no-untyped-call]
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(taken, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield taken, port
    server.stop(None).wait()


@pytest.fixture(scope="module")
def watched(collector: tuple[Collector, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that tells the collector everything."""
    settings = (("TRELLIS_OTLP_ENDPOINT", f"http://127.0.0.1:{collector[1]}"), ("TRELLIS_TRACE_RATIO", "1"))
    running = Platform(Path(tmp_path_factory.mktemp("watched")), free_base(), settings)
    running.up()
    yield running
    running.down()


def test_one_trace_leads_from_the_edge_through_every_service(watched: Platform, collector: tuple[Collector, int]) -> None:
    """SwitchOrganization asks user from within auth, so its trace has all three."""
    ada = sign_up(watched.rest, watched.mail)
    organization = ada.rest.ok("POST", "/v1/organizations", {"displayName": "Acme"})["name"]
    request = urllib.request.Request(
        f"{watched.rest}/v1/auth:switchOrganization",
        f'{{"organization": "{organization}"}}'.encode(),
        {"authorization": f"Bearer {ada.token}", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
    )
    urllib.request.urlopen(request).close()

    eventually(lambda: collector[0].services_of(TRACE) >= {"edge", "auth", "user"}, within_s=30)


def test_each_service_counts_and_times_its_calls(watched: Platform) -> None:
    sign_up(watched.rest, watched.mail)
    port = watched.home.ports["auth_a_metrics"]

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()

    counted = [line for line in text.splitlines() if line.startswith("rpc_server_call_duration_seconds_count{")]
    assert any('rpc_method="trellis.auth.v1.AuthService/SignIn"' in line for line in counted)
