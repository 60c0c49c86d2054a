"""Which statistics a sidecar keeps, their buckets and the labels that each of them bears."""

from __future__ import annotations

from outrider.documents import Json
from outrider.topology import names
from outrider.topology.sidecar import Sidecar
from outrider.topology.statistics import HTTP, REDIS, TCP

BUCKETS_MS = (0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000)
OF_CLUSTERS = (
    "upstream_cx_(total|active|connect_fail|connect_timeout|overflow|destroy|rx_bytes_total|tx_bytes_total)"
    "|upstream_rq_(total|active|pending_overflow|pending_failure_eject|timeout|per_try_timeout|rx_reset|tx_reset|retry.*)"
    "|membership_(total|healthy|degraded)|outlier_detection.ejections_(active|enforced_total|overflow)"
    "|update_(attempt|success|failure|rejected|empty)|lb_healthy_panic|circuit_breakers.default.*|retry_or_shadow.*"
)
OF_LISTENERS = "downstream_rq_.*|downstream_cx_(total|active|destroy|protocol_error)|no_route|rq_total"
PREFIXES = ("server.", "listener_manager.", TCP.prefix, REDIS.prefix, "overload.", "tracing.zipkin.", "ingress.")


def stats_config(sidecar: Sidecar) -> Json:
    """Inclusion list, histogram buckets and fixed labels."""
    return {
        "stats_matcher": {"inclusion_list": {"patterns": [*_clusters(sidecar), _listeners(), *_prefixes()]}},
        "histogram_bucket_settings": [{"match": {"prefix": HTTP.prefix}, "buckets": list(BUCKETS_MS)}],
        "stats_tags": [
            {"tag_name": names.STATS_SERVICE, "fixed_value": sidecar.service},
            {"tag_name": names.STATS_ENVIRONMENT, "fixed_value": sidecar.environment},
        ],
    }


def _clusters(sidecar: Sidecar) -> list[Json]:
    clusters = [
        names.LOCAL_APP,
        names.DISCOVERY_AGENT,
        *(names.cluster(upstream.name) for upstream in sidecar.upstreams),
    ]
    return [_regex(rf"cluster\.({'|'.join(clusters)})\.({OF_CLUSTERS})")]


def _listeners() -> Json:
    return _regex(rf"{HTTP.kind}\.({names.INGRESS}|egress_[^.]+)\.({OF_LISTENERS})")


def _prefixes() -> list[Json]:
    return [{"prefix": prefix} for prefix in PREFIXES]


def _regex(expression: str) -> Json:
    return {"safe_regex": {"regex": expression}}
