"""The traffic between services, computed from two scrapes of their sidecars' counters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from outrider.telemetry.exposition import Sample
from outrider.telemetry.quantile import quantile

REQUESTS = "envoy_cluster_upstream_rq_total"
ANSWERS = "envoy_cluster_upstream_rq_xx"
TIMES = "envoy_cluster_upstream_rq_time_bucket"
CONNECTIONS = "envoy_cluster_upstream_cx_total"
RELEVANT = frozenset({REQUESTS, ANSWERS, TIMES, CONNECTIONS})
SERVER_ERROR = "5"

Series = tuple[str, tuple[tuple[str, str], ...]]
Counters = Mapping[Series, float]


@dataclass(frozen=True, slots=True)
class Edge:
    """What one service asked of another during the window, seen from the caller's sidecars.

    ``requests_per_second`` counts what reached an upstream, retries included; for TCP it counts connections.
    ``error_share`` is between 0 and 1; the latencies are milliseconds, None where nothing was timed.
    """

    source: str
    target: str
    requests_per_second: float
    error_share: float
    p50_ms: float | None = None
    p99_ms: float | None = None


def counters(samples: Iterable[Sample]) -> dict[Series, float]:
    """The counters of a scrape that tell of traffic, by series."""
    return {(sample.name, sample.labels): sample.value for sample in samples if sample.name in RELEVANT}


def growth(before: Counters, after: Counters) -> dict[Series, float]:
    """What was added between two scrapes of one sidecar; one that restarted in between counts from zero."""
    restarted = any(after.get(series, 0.0) < value for series, value in before.items() if series in after)
    return {series: value - (0.0 if restarted else before.get(series, 0.0)) for series, value in after.items()}


def edges(source: str, grown: Iterable[Counters], upstreams: Mapping[str, str], seconds: float) -> tuple[Edge, ...]:
    """The edges of one service, from the growth of all its sidecars.

    ``upstreams`` maps names of Envoy clusters to the services that they stand for; other clusters (the app itself,
    the agent) are no edges.
    """
    sums = _sums(grown)
    by_cluster = {cluster: _of_cluster(sums, cluster) for cluster in upstreams}
    return tuple(_edge(source, upstreams[cluster], series, seconds) for cluster, series in by_cluster.items() if series)


def _sums(grown: Iterable[Counters]) -> Counters:
    sums: dict[Series, float] = defaultdict(float)
    for counted in grown:
        for series, value in counted.items():
            sums[series] += value
    return sums


def _of_cluster(sums: Counters, cluster: str) -> Counters:
    return {series: value for series, value in sums.items() if dict(series[1]).get("envoy_cluster_name") == cluster}


def _edge(source: str, target: str, series: Counters, seconds: float) -> Edge:
    answers = _total(series, ANSWERS)
    errors = _total(series, ANSWERS, envoy_response_code_class=SERVER_ERROR)
    requests = _total(series, REQUESTS) or _total(series, CONNECTIONS)
    buckets = _buckets(series)
    return Edge(
        source,
        target,
        requests_per_second=requests / seconds,
        error_share=errors / answers if answers else 0.0,
        p50_ms=quantile(0.50, buckets),
        p99_ms=quantile(0.99, buckets),
    )


def _total(series: Counters, name: str, **labels: str) -> float:
    wanted = set(labels.items())
    return sum(value for (found, has), value in series.items() if found == name and wanted <= set(has))


def _buckets(series: Counters) -> dict[float, float]:
    buckets: dict[float, float] = defaultdict(float)
    for (name, labels), value in series.items():
        if name == TIMES:
            buckets[float(dict(labels)["le"])] += value
    return buckets
