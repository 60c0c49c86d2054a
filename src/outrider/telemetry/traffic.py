"""The traffic between services, computed from two scrapes of their sidecars' egress listeners: what the apps saw."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from outrider.spec.values import DNS_LABEL
from outrider.telemetry.exposition import Sample
from outrider.telemetry.quantile import quantile
from outrider.topology import names, statistics
from outrider.topology.statistics import HTTP, LISTENERS

# One listener's counters: HTTP requests, Redis commands, TCP connections; each series names its listener in a label.
ASKED = frozenset(one.exposed(one.asked) for one in LISTENERS)
ANSWERS = HTTP.exposed(statistics.BY_CLASS)
TIMES = HTTP.exposed(f"{statistics.TIMES}_bucket")
RELEVANT = ASKED | {ANSWERS, TIMES}
LISTENER_LABELS = frozenset(one.label for one in LISTENERS)
SERVER_ERROR = "5"
NAME = re.compile(DNS_LABEL)

Series = tuple[str, tuple[tuple[str, str], ...]]
Counters = Mapping[Series, float]


@dataclass(frozen=True, slots=True)
class Edge:
    """What one service asked of another during the window, as the caller's app saw it: after retries and timeouts.

    ``requests_per_second`` counts HTTP requests, Redis commands or TCP connections; ``error_share`` (between 0 and 1)
    the answers of 500 and more; the latencies are milliseconds, None where nothing was timed.
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
    restarted = any(after.get(series, 0.0) < value for series, value in before.items())
    return {series: value - (0.0 if restarted else before.get(series, 0.0)) for series, value in after.items()}


def edges(source: str, grown: Iterable[Counters], seconds: float) -> tuple[Edge, ...]:
    """The edges of one service, from the growth of all its sidecars, by the upstream's name."""
    by_upstream: dict[str, dict[Series, float]] = defaultdict(lambda: defaultdict(float))
    for counted in grown:
        for series, value in counted.items():
            by_upstream[_upstream(series)][series] += value
    return tuple(_edge(source, target, by_upstream[target], seconds) for target in sorted(by_upstream) if target)


def _upstream(series: Series) -> str:
    """The upstream whose egress listener the series belongs to; an empty text for any other, and for what is no name."""
    listeners = [value for label, value in series[1] if label in LISTENER_LABELS]
    own = names.egress("")
    found = [listener.removeprefix(own) for listener in listeners if listener.startswith(own)]
    return next((name for name in found if NAME.fullmatch(name)), "")


def _edge(source: str, target: str, series: Counters, seconds: float) -> Edge:
    answers = _total(series, ANSWERS)
    errors = _total(series, ANSWERS, **{statistics.CLASS_LABEL: SERVER_ERROR})
    buckets = _buckets(series)
    return Edge(
        source,
        target,
        requests_per_second=sum(_total(series, name) for name in ASKED) / seconds,
        error_share=min(max(errors / answers, 0.0), 1.0) if answers > 0 else 0.0,
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
            bound = _bound(dict(labels).get("le", ""))
            if bound is not None:
                buckets[bound] += value
    return buckets


def _bound(text: str) -> float | None:
    """The upper end of a bucket, infinity included."""
    try:
        found = float(text)
    except ValueError:
        return None
    return None if math.isnan(found) or found == -math.inf else found
