from __future__ import annotations

import httpx2
import pytest

from outrider.clients.metrics import SidecarTraffic
from outrider.operations.ports import Sidecar

REQUESTS = 'envoy_http_downstream_rq_total{{envoy_http_conn_manager_prefix="egress_payments"}} {}\n'
SIDECARS = [Sidecar("checkout", f"10.0.0.{number}:9001") for number in (1, 2, 3, 4)]


class Sidecars:
    """Each scrape of one finds ten requests more; the others are away, go away, and serve nothing that counts."""

    def __init__(self) -> None:
        self.scrapes = dict.fromkeys("1234", 0)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        which = request.url.host[-1]
        self.scrapes[which] += 1
        if which == "2":
            raise httpx2.ConnectError("refused")
        if which == "3" and self.scrapes[which] > 1:
            return httpx2.Response(503)
        return httpx2.Response(200, text=REQUESTS.format(self.scrapes[which] * 10) if which == "1" else "")


async def test_edges_come_from_two_scrapes_of_every_sidecar_that_answers_and_the_others_are_named_with_the_reason() -> (
    None
):
    traffic = SidecarTraffic(httpx2.MockTransport(Sidecars().answer))
    measured = await traffic.edges(SIDECARS, window_s=0.01)
    (edge,) = measured.edges
    assert (edge.source, edge.target) == ("checkout", "payments")
    assert edge.requests_per_second == pytest.approx(10 / 0.01)
    assert measured.left_out == (
        "checkout: the sidecar at 10.0.0.2:9001 cannot be reached",
        "checkout: the sidecar at 10.0.0.3:9001 answered 503",
    )
