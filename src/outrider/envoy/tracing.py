"""Spans: reported in Zipkin's v2 format over HTTP, as JSON or protobuf, with B3 headers, W3C's beside them on demand."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.extension import extension
from outrider.topology import names
from outrider.topology.sidecar import Tracing

# Envoy's names for Zipkin's encodings. Both are posted to the same path, told apart by their content-type.
ENCODINGS = {"json": "HTTP_JSON", "protobuf": "HTTP_PROTO"}
# Envoy's names for the headers that a trace is read from and written to; B3 counts where both are there.
CONTEXTS = {"b3": "USE_B3", "b3+w3c": "USE_B3_WITH_W3C_PROPAGATION"}
# Spans of one report. Envoy searches each span's JSON for every time that it has written in the same report, so that a
# span of a hundred costs twice as much as one of ten (1.40, span_buffer.cc), and requests wait until a report is written.
SPANS = {"json": 10, "protobuf": 100}
SPANS_WAITING = 400


def tracing(to: Tracing) -> Json:
    """The connection manager's tracing. The share counts only where no earlier hop has decided.

    Direction (client, server) comes from the listener's ``traffic_direction``; the span's service from ``node.cluster``.
    Without ``shared_span_context`` each hop has a span of its own, which every backend understands.
    """
    provider = extension(
        "tracers.zipkin",
        "config.trace.v3.ZipkinConfig",
        collector_cluster=names.TRACE_COLLECTOR,
        collector_hostname=to.collector.authority,
        collector_endpoint=to.path,
        collector_endpoint_version=ENCODINGS[to.encoding],
        trace_id_128bit=True,
        shared_span_context=False,
        trace_context_option=CONTEXTS[to.propagation],
    )
    return {
        "provider": provider,
        "random_sampling": {"value": to.sampling},
        # Nobody orders a trace by x-client-trace-id.
        "client_sampling": {"value": 0},
        "max_path_tag_length": 128,
    }


def reports_waiting(to: Tracing) -> int:
    """How many reports may wait for a connection; half as many have one, and wait for their answer."""
    return SPANS_WAITING // SPANS[to.encoding]


def reporting(to: Tracing) -> Json:
    """Runtime settings of Zipkin's reporter. By default each five spans are a request that may wait 5 s."""
    settings = {
        "tracing.zipkin.min_flush_spans": SPANS[to.encoding],
        "tracing.zipkin.flush_interval_ms": 2_000,
        "tracing.zipkin.request_timeout": 1_000,
    }
    return {"layers": [{"name": "outrider", "static_layer": settings}]}


def decorator(operation: str) -> Json:
    """The name of a route's spans; without it they are named after ports."""
    return {"operation": operation, "propagate": False}
