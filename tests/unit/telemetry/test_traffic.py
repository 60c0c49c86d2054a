from __future__ import annotations

import math
import re
from typing import Any

import pytest
from support.topologies import resolved

from outrider.envoy.stats import stats_config
from outrider.telemetry.exposition import Sample, samples
from outrider.telemetry.quantile import quantile
from outrider.telemetry.traffic import RELEVANT, Edge, Series, counters, edges, growth
from outrider.topology import names
from outrider.topology.statistics import BY_CLASS, HTTP, LISTENERS, TIMES, Listener

SCRAPE = """
# TYPE envoy_http_downstream_rq_total counter
envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="egress_payments"} 100
envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="egress_payments"} 90
envoy_http_downstream_rq_xx{envoy_response_code_class="5",envoy_http_conn_manager_prefix="egress_payments"} 10
envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="egress_payments",le="5"} 50
envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="egress_payments",le="10"} 99
envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="egress_payments",le="+Inf"} 100
envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="ingress"} 7
envoy_server_live{} 1
"""


def _grown(text: str) -> dict[Series, float]:
    return growth({}, counters(samples(text)))


def test_a_scrape_becomes_samples_with_their_labels() -> None:
    assert samples('a_total{b="x \\"y\\" \\\\ z\\n",c=""} 4.5 1700000000000') == (
        Sample("a_total", (("b", 'x "y" \\ z\n'), ("c", "")), 4.5),
    )


def test_lines_that_are_no_sample_are_left_out() -> None:
    assert samples("# HELP a b\n\na{ 3\na nonsense\nhalf_a_li") == ()


def test_an_edge_carries_rate_error_share_and_latencies() -> None:
    (edge,) = edges("checkout", [_grown(SCRAPE)], seconds=10)
    assert (edge.source, edge.target) == ("checkout", "payments")
    assert edge.requests_per_second == pytest.approx(10.0)
    assert edge.error_share == pytest.approx(0.1)
    assert edge.p50_ms == pytest.approx(5.0)
    assert edge.p99_ms == pytest.approx(10.0)


def test_several_sidecars_of_a_service_add_up() -> None:
    (edge,) = edges("checkout", [_grown(SCRAPE), _grown(SCRAPE)], seconds=10)
    assert edge.requests_per_second == pytest.approx(20.0)


@pytest.mark.parametrize(
    "line",
    [
        'envoy_redis_downstream_rq_total{envoy_redis_prefix="egress_sessions"} 30',
        'envoy_tcp_downstream_cx_total{envoy_tcp_prefix="egress_sessions"} 30',
    ],
)
def test_redis_commands_and_tcp_connections_make_an_edge_too(line: str) -> None:
    assert edges("cart", [_grown(line)], seconds=10) == (Edge("cart", "sessions", 3.0, 0.0),)


def test_only_what_was_added_between_two_scrapes_counts() -> None:
    before = counters(samples('envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="egress_a"} 40'))
    after = counters(samples('envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="egress_a"} 55'))
    assert list(growth(before, after).values()) == [15.0]


def test_a_sidecar_that_restarted_in_between_counts_from_zero() -> None:
    before = counters(samples('envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="egress_a"} 40'))
    after = counters(samples('envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="egress_a"} 3'))
    assert list(growth(before, after).values()) == [3.0]


def test_a_quantile_lies_inside_its_bucket() -> None:
    buckets = {1.0: 0.0, 2.0: 10.0, math.inf: 10.0}
    assert quantile(0.5, buckets) == pytest.approx(1.5)


def test_what_exceeds_the_last_bound_is_reported_as_that_bound() -> None:
    assert quantile(0.99, {1.0: 1.0, math.inf: 100.0}) == pytest.approx(1.0)


def test_no_observation_has_no_quantile() -> None:
    assert quantile(0.5, {}) is None
    assert quantile(0.5, {1.0: 0.0, math.inf: 0.0}) is None


@pytest.mark.parametrize("listener", LISTENERS, ids=lambda listener: listener.kind)
def test_sidecars_keep_the_statistics_that_traffic_is_counted_from(listener: Listener) -> None:
    sidecar = resolved({"upstreams": {"pay": {}}}).sidecar
    assert sidecar is not None
    patterns = stats_config(sidecar)["stats_matcher"]["inclusion_list"]["patterns"]
    read = [listener.asked, *([BY_CLASS, TIMES] if listener is HTTP else [])]
    for name in read:
        kept = f"{listener.prefix}{names.egress('pay')}.{name}"
        assert any(_keeps(pattern, kept) for pattern in patterns), kept
        assert [one for one in RELEVANT if one.startswith(listener.exposed(name))]


def _keeps(pattern: dict[str, Any], name: str) -> bool:
    regex = pattern.get("safe_regex", {}).get("regex")
    return bool(re.fullmatch(regex, name)) if regex else name.startswith(pattern["prefix"])
