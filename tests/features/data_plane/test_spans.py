"""Spans of two sidecars: reported, joined into one trace, decided once; a dead collector costs no request."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from support.street import Street

Json = dict[str, Any]


async def good(request: Any) -> tuple[int, bytes]:
    return 200, b"good"


def tracing(port: int, sampling: float = 100.0) -> Json:
    return {"tracing": {"collector": f"http://127.0.0.1:{port}", "sampling": sampling}}


async def test_a_call_is_a_clients_and_a_servers_span_of_one_trace(street: Street) -> None:
    collector = await street.app(good)
    app = await street.app(good)
    where = tracing(collector.port)
    payments = await street.sidecar({"service": "payments"}, app.port, where)
    street.discovery.names("payments", payments.ports["ingress"])
    upstreams = {"payments": {"protocol": "http"}}
    checkout = await street.sidecar({"service": "checkout", "port": "none", "upstreams": upstreams}, None, where)
    await street.knows(checkout, "payments", 1)
    await street.client.get(checkout.egress("payments"))
    await street.sees(collector, 2)

    spans = [span for request in collector.seen for span in json.loads(request.body)]
    assert {request.path for request in collector.seen} == {"/api/v2/spans"}
    by_kind = {span["kind"]: span for span in spans}
    client, server = by_kind["CLIENT"], by_kind["SERVER"]
    assert client["traceId"] == server["traceId"]
    assert server["parentId"] == client["id"]
    assert (client["localEndpoint"]["serviceName"], server["localEndpoint"]["serviceName"]) == ("checkout", "payments")
    assert (client["name"], server["name"]) == ("payments", "payments")
    assert app.seen[0].headers["x-b3-traceid"] == client["traceId"]


async def test_what_an_earlier_hop_has_decided_is_followed(street: Street) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port, tracing(1))
    trace = {"x-b3-traceid": "0" * 15 + "1", "x-b3-spanid": "0" * 15 + "2", "x-b3-sampled": "0"}
    await street.client.get(payments.ingress, headers=trace)
    assert app.seen[0].headers["x-b3-sampled"] == "0"


@pytest.mark.parametrize("is_hanging", [False, True])
async def test_a_collector_that_is_dead_or_hangs_costs_no_request(street: Street, is_hanging: bool) -> None:
    async def hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.sleep(60)

    collector = await street.server(hanging) if is_hanging else 1
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port, tracing(collector))
    answers = [await street.client.get(payments.ingress) for _ in range(120)]
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize(("sampling", "sampled"), [(0, "0"), (100, "1")])
async def test_the_first_hop_decides_and_tells_the_app_so(street: Street, sampling: float, sampled: str) -> None:
    collector = await street.app(good)
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port, tracing(collector.port, sampling))
    for _ in range(5):
        await street.client.get(payments.ingress)
    assert {request.headers["x-b3-sampled"] for request in app.seen} == {sampled}
