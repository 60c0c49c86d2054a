from __future__ import annotations

from typing import Any

import httpx2
import pytest

from outrider.clients.consul import consul_client
from outrider.clients.metrics import SidecarTraffic
from outrider.settings import ConsulSettings

REQUESTS = 'envoy_http_downstream_rq_total{{envoy_http_conn_manager_prefix="egress_payments"}} {}\n'


class World:
    """Consul and two sidecars of checkout; each scrape of one finds ten requests more, the other one is away."""

    def __init__(self) -> None:
        self.requests = 0

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        answers: dict[str, Any] = {
            "/v1/catalog/services": {"consul": [], "checkout": ["outrider"], "legacy": []},
            "/v1/health/service/checkout": [
                _entry("10.0.0.1", "10.0.0.1:9001"),
                _entry("10.0.0.2", "10.0.0.2:9001"),
                _entry("10.0.0.3", None),
                _entry("10.0.0.4", "169.254.169.254:80/latest/meta-data?"),
            ],
        }
        if request.url.path in answers:
            return httpx2.Response(200, json=answers[request.url.path])
        if request.url.host == "10.0.0.2":
            raise httpx2.ConnectError("refused")
        self.requests += 10
        return httpx2.Response(200, text=REQUESTS.format(self.requests))


def _entry(host: str, metrics: str | None) -> dict[str, Any]:
    meta = {"outrider_metrics": metrics} if metrics else None
    service = {"Service": "checkout", "ID": f"checkout-{host}", "Address": host, "Meta": meta}
    return {"Node": {"Address": host}, "Service": service, "Checks": []}


async def test_edges_come_from_two_scrapes_of_every_sidecar_that_answers_and_the_others_are_named() -> None:
    transport = httpx2.MockTransport(World().answer)
    consul = consul_client("http://consul", ConsulSettings(), transport=transport)
    measured = await SidecarTraffic(consul, transport).edges(window_s=0.01)
    (edge,) = measured.edges
    assert (edge.source, edge.target) == ("checkout", "payments")
    assert edge.requests_per_second == pytest.approx(10 / 0.01)
    assert measured.left_out == (
        "checkout (checkout-10.0.0.4): its metrics address is no host:port",
        "checkout at 10.0.0.2:9001 could not be read",
    )
