from __future__ import annotations

import math

import pytest

from outrider.telemetry.exposition import Sample, samples
from outrider.telemetry.quantile import quantile
from outrider.telemetry.traffic import counters, edges, growth

SCRAPE = """
# TYPE envoy_cluster_upstream_rq_total counter
envoy_cluster_upstream_rq_total{envoy_cluster_name="payments"} 100
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="payments"} 90
envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="payments"} 10
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="payments",le="5"} 50
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="payments",le="10"} 99
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="payments",le="+Inf"} 100
envoy_cluster_upstream_rq_total{envoy_cluster_name="local_app"} 7
envoy_server_live{} 1
"""


def _grown(text: str) -> dict[object, float]:
    return growth({}, counters(samples(text)))  # type: ignore[return-value]


def test_a_scrape_becomes_samples_with_their_labels() -> None:
    assert samples('a_total{b="x \\"y\\" \\\\ z\\n",c=""} 4.5 1700000000000') == (
        Sample("a_total", (("b", 'x "y" \\ z\n'), ("c", "")), 4.5),
    )


def test_lines_that_are_no_sample_are_left_out() -> None:
    assert samples("# HELP a b\n\na{ 3\na nonsense\nhalf_a_li") == ()


def test_an_edge_carries_rate_error_share_and_latencies() -> None:
    (edge,) = edges("checkout", [_grown(SCRAPE)], {"payments": "payments"}, seconds=10)  # type: ignore[list-item]
    assert (edge.source, edge.target) == ("checkout", "payments")
    assert edge.requests_per_second == pytest.approx(10.0)
    assert edge.error_share == pytest.approx(0.1)
    assert edge.p50_ms == pytest.approx(5.0)
    assert edge.p99_ms == pytest.approx(10.0)


def test_several_sidecars_of_a_service_add_up() -> None:
    grown = [_grown(SCRAPE), _grown(SCRAPE)]
    (edge,) = edges("checkout", grown, {"payments": "payments"}, seconds=10)  # type: ignore[arg-type]
    assert edge.requests_per_second == pytest.approx(20.0)


def test_a_cluster_without_a_series_is_no_edge() -> None:
    assert edges("checkout", [_grown(SCRAPE)], {"catalog": "catalog"}, seconds=1) == ()  # type: ignore[list-item]


def test_only_what_was_added_between_two_scrapes_counts() -> None:
    before = counters(samples('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 40'))
    after = counters(samples('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 55'))
    assert list(growth(before, after).values()) == [15.0]


def test_a_sidecar_that_restarted_in_between_counts_from_zero() -> None:
    before = counters(samples('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 40'))
    after = counters(samples('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 3'))
    assert list(growth(before, after).values()) == [3.0]


def test_a_quantile_lies_inside_its_bucket() -> None:
    buckets = {1.0: 0.0, 2.0: 10.0, math.inf: 10.0}
    assert quantile(0.5, buckets) == pytest.approx(1.5)


def test_what_exceeds_the_last_bound_is_reported_as_that_bound() -> None:
    assert quantile(0.99, {1.0: 1.0, math.inf: 100.0}) == pytest.approx(1.0)


def test_no_observation_has_no_quantile() -> None:
    assert quantile(0.5, {}) is None
    assert quantile(0.5, {1.0: 0.0, math.inf: 0.0}) is None
