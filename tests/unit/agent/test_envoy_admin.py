"""What Envoy says of its endpoints."""

from __future__ import annotations

from outrider_agent.envoy_admin import Clusters, request

TEXT = b"""payments_cluster::observability_name::payments_cluster
payments_cluster::eds_service_name::payments
payments_cluster::10.0.0.1:80::cx_active::0
payments_cluster::10.0.0.1:80::health_flags::healthy
payments_cluster::[fd00::1]:80::health_flags::/failed_eds_health
agent::pipe.sock::health_flags::healthy
"""


def clusters(*pieces: bytes) -> Clusters:
    found = Clusters()
    for piece in pieces:
        found.feed(200, piece)
    return found


def test_endpoints_are_found_under_the_name_that_the_cluster_asks_for() -> None:
    expected = {"10.0.0.1:80": "healthy", "[fd00::1]:80": "/failed_eds_health"}
    assert clusters(TEXT).of("payments") == expected
    assert clusters(*(TEXT[at : at + 7] for at in range(0, len(TEXT), 7))).of("payments") == expected


def test_a_cluster_without_a_name_of_its_own_is_found_by_the_clusters() -> None:
    assert clusters(TEXT).of("agent") == {"pipe.sock": "healthy"}


def test_a_cluster_that_envoy_does_not_have_is_none() -> None:
    assert clusters(TEXT).of("catalog") is None
    assert Clusters().of("payments") is None


def test_a_refusal_is_no_list_of_clusters() -> None:
    found = Clusters()
    found.feed(403, TEXT)
    assert found.of("payments") is None


def test_requests_are_complete() -> None:
    assert request("POST", "/healthcheck/fail") == (
        b"POST /healthcheck/fail HTTP/1.1\r\nhost: envoy-admin\r\ncontent-length: 0\r\n\r\n"
    )
