"""Where spans go and which headers carry a trace, as the platform file says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from outrider.spec.values import WebAddress, Written

Encoding = Literal["json", "protobuf"]
Propagation = Literal["b3", "b3+w3c"]


class Tracing(Written):
    """Where Envoy reports spans to."""

    kind: Literal["zipkin"] = "zipkin"
    """Zipkin v2 over HTTP, which Jaeger and the OpenTelemetry Collector receive as well."""
    collector: WebAddress = Field(examples=["http://zipkin.example:9411"])
    """As an allocation reaches it."""
    encoding: Encoding = "json"
    """How spans are written. ``json``: as every collector reads them. ``protobuf``: far less CPU where many
    requests are traced; for collectors that read it (Zipkin ≥ 2.8, Jaeger ≥ 1.14, OpenTelemetry's), and where nobody
    but sidecars reports spans: Envoy writes their ids backwards, so those of others find no parent."""
    propagation: Propagation = "b3"
    """Which headers carry a trace from hop to hop. ``b3``: ``x-b3-…`` (or ``b3``, where the app sends that). ``b3+w3c``:
    ``traceparent`` and ``tracestate`` as well, for apps that know nothing else, as those of Elastic APM and of
    OpenTelemetry's default; some 3 % more CPU for a request."""
    sampling: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Percent of the requests that are traced, decided once where they enter the mesh."""
