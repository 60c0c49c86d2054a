"""What a sidecar shows to whom: four paths of metrics and health, a port of its own, a log of failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.topologies import resolved

Street = Any


async def good(request: Any) -> tuple[int, bytes]:
    return 200, b"good"


async def test_the_metrics_listener_has_four_paths_and_nothing_else(street: Street) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    get = street.client.get
    for path in ("/stats/prometheus", "/stats/prometheus?usedonly", "/agent/metrics", "/agent/endpoints", "/health"):
        assert (await get(payments.metrics + path)).status_code == 200, path
    for path in (
        *("/", "/stats", "/metrics", "/ready", "/config_dump", "/quitquitquit", "/healthcheck/fail", "/endpoints"),
        *("/stats/prometheus/", "/stats/prometheus/../../quitquitquit", "/agent", "/health/x", "//quitquitquit"),
    ):
        assert (await get(payments.metrics + path)).status_code == 404, path
    for path in ("/stats/prometheus", "/health", "/agent/metrics"):
        assert (await street.client.post(payments.metrics + path)).status_code == 404, path


async def test_health_covers_the_proxy_and_the_app(street: Street) -> None:
    payments = await street.sidecar({"service": "payments"})
    assert (await street.client.get(payments.metrics + "/health")).status_code == 503
    app = await street.app(good)
    there = await street.sidecar({"service": "payments"}, app.port)
    assert (await street.client.get(there.metrics + "/health")).status_code == 200


async def test_a_worker_has_health_and_metrics_without_ingress(street: Street) -> None:
    worker = await street.sidecar({"service": "worker", "port": "none"})
    assert (await street.client.get(worker.metrics + "/health")).status_code == 200


async def test_counted_are_requests_with_their_outcome_and_never_health_checks(street: Street) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments", "checks": [{"http": "/healthz"}]}, app.port)
    await street.client.get(payments.ingress + "/healthz", headers={"x-outrider-check": "1"})
    await street.client.get(payments.ingress + "/healthz")
    await street.client.get(payments.ingress + "/", headers={"x-outrider-check": "1"})
    text = (await street.client.get(payments.metrics + "/stats/prometheus")).text
    lines = [line for line in text.splitlines() if line.startswith("envoy_http_downstream_rq_xx")]
    counted = [line for line in lines if 'envoy_http_conn_manager_prefix="ingress"' in line]
    assert [line for line in counted if 'class="2"' in line and line.endswith(" 2")], counted
    assert "envoy_http_downstream_rq_time_bucket" in text
    assert 'prefix="metrics"' not in text
    assert 'outrider_service="payments"' in counted[0]
    assert 'outrider_environment="test"' in counted[0]


async def test_two_envoys_never_share_a_port(street: Street) -> None:
    app = await street.app(good)
    first = await street.sidecar({"service": "payments"}, app.port)
    second = await street.started(resolved({"service": "payments"}), first.ports)
    assert await second.process.wait() != 0
    assert "cannot bind" in second.log.read_text()


async def test_admin_is_a_socket_for_its_owner_that_cannot_quit_envoy(street: Street, tmp_path: Path) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    path = payments.log.parent / "alloc/envoy.sock"
    assert oct(path.stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("status", [200, 404, 429])
async def test_nothing_is_logged_of_a_request_that_did_not_fail(street: Street, status: int) -> None:
    async def answer(request: Any) -> tuple[int, bytes]:
        return status, b""

    app = await street.app(answer)
    payments = await street.sidecar({"service": "payments"}, app.port)
    assert (await street.client.get(payments.ingress)).status_code == status
    await street.client.get(payments.metrics + "/stats/prometheus")
    assert payments.failures() == []


async def test_a_failure_is_logged_without_the_query_of_its_path(street: Street) -> None:
    async def failing(request: Any) -> tuple[int, bytes]:
        return 500, b""

    app = await street.app(failing)
    payments = await street.sidecar({"service": "payments"}, app.port)
    await street.client.get(payments.ingress + "/pay?card=4111")
    await street.logged(payments, 1)
    logged = payments.failures()[0]
    assert (logged["path"], logged["status"], logged["listener"]) == ("/pay", 500, "ingress")
