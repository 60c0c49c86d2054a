"""Spans of two sidecars: reported, joined into one trace, decided once; a dead collector costs no request."""

from __future__ import annotations

import asyncio
import re
from typing import Any, get_args

import pytest
from support.street import Street
from support.zipkin import spans

from outrider.spec.tracing import Encoding

Json = dict[str, Any]
TRACE = {"x-b3-traceid": "0" * 15 + "1", "x-b3-spanid": "0" * 15 + "2", "x-b3-sampled": "1"}
IN_EACH_ENCODING = pytest.mark.parametrize("encoding", get_args(Encoding))


async def good(request: Any) -> tuple[int, bytes]:
    return 200, b"good"


def tracing(port: int, sampling: float = 100.0, **more: str) -> Json:
    return {"tracing": {"collector": f"http://127.0.0.1:{port}", "sampling": sampling, **more}}


def without_chance(span: Json) -> Json:
    """What a span of the same request through another sidecar has, too: no ports, id, times and notes of its own."""
    tags = {name: re.sub(r"(?<=127\.0\.0\.1):\d+", "", value) for name, value in span["tags"].items()}
    tags.pop("guid:x-request-id")
    endpoint = {name: value for name, value in span["localEndpoint"].items() if name != "port"}
    kept = {name: value for name, value in span.items() if name not in {"id", "timestamp", "duration", "annotations"}}
    return kept | {"tags": tags, "localEndpoint": endpoint}


def backwards(number: str) -> str:
    """The bytes of a hexadecimal number in the opposite order."""
    return bytes.fromhex(number)[::-1].hex()


@IN_EACH_ENCODING
async def test_a_call_is_a_clients_and_a_servers_span_of_one_trace(street: Street, encoding: str) -> None:
    collector = await street.app(good)
    app = await street.app(good)
    where = tracing(collector.port, encoding=encoding)
    payments = await street.sidecar({"service": "payments"}, app.port, where)
    street.discovery.names("payments", payments.ports["ingress"])
    upstreams = {"payments": {"protocol": "http"}}
    checkout = await street.sidecar({"service": "checkout", "port": "none", "upstreams": upstreams}, None, where)
    await street.knows(checkout, "payments", 1)
    await street.client.get(checkout.egress("payments"))
    await street.sees(collector, 2)

    assert {request.path for request in collector.seen} == {"/api/v2/spans"}
    by_kind = {span["kind"]: span for span in spans(collector.seen)}
    client, server = by_kind["CLIENT"], by_kind["SERVER"]
    assert client["traceId"] == server["traceId"]
    assert server["parentId"] == client["id"]
    assert (client["localEndpoint"]["serviceName"], server["localEndpoint"]["serviceName"]) == ("checkout", "payments")
    assert (client["name"], server["name"]) == ("payments", "payments")
    assert app.seen[0].headers["x-b3-traceid"] == client["traceId"]
    assert client["timestamp"] <= server["timestamp"]
    assert client["duration"] >= server["duration"] > 0


async def test_both_encodings_tell_the_same_of_a_request_but_protobuf_has_the_ids_of_spans_backwards(
    street: Street,
) -> None:
    async def told(encoding: str) -> tuple[str, Json]:
        collector = await street.app(good)
        app = await street.app(good)
        payments = await street.sidecar({"service": "payments"}, app.port, tracing(collector.port, encoding=encoding))
        await street.client.get(payments.ingress + "/orders?of=anna", headers=TRACE)
        await street.sees(collector, 1)
        (span,) = spans(collector.seen)
        is_as_sent = span["id"] == app.seen[0].headers["x-b3-spanid"]
        is_backwards = backwards(span["id"]) == app.seen[0].headers["x-b3-spanid"]
        assert (is_as_sent, is_backwards) == (encoding == "json", encoding == "protobuf")
        return collector.seen[0].headers["content-type"], without_chance(span)

    (json_type, as_json), (protobuf_type, as_protobuf) = await told("json"), await told("protobuf")
    assert (json_type, protobuf_type) == ("application/json", "application/x-protobuf")
    assert (as_json["traceId"], as_json["parentId"]) == (TRACE["x-b3-traceid"], TRACE["x-b3-spanid"])
    assert as_json["tags"]["http.url"].endswith("/orders?of=anna")
    assert as_protobuf == as_json | {"parentId": backwards(TRACE["x-b3-spanid"])}


async def test_a_context_of_w3c_is_followed_and_passed_on_in_both_forms_where_the_platform_says_so(
    street: Street,
) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port, tracing(1, propagation="b3+w3c"))
    trace, states = "0af7651916cd43dd8448eb211c80319c", [("tracestate", "a=1"), ("tracestate", "b=2")]
    headers = [("traceparent", f"00-{trace}-b7ad6b7169203331-01"), *states]
    await street.client.get(payments.ingress, headers=headers)
    seen = app.seen[0].headers
    assert (seen["x-b3-traceid"], seen["x-b3-sampled"]) == (trace, "1")
    assert seen["traceparent"] == f"00-{trace}-{seen['x-b3-spanid']}-01"
    assert seen["tracestate"].replace(" ", "") == "a=1,b=2"


async def test_a_context_of_w3c_passes_as_it_is_beside_b3s_by_default(street: Street) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port, tracing(1))
    parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    await street.client.get(payments.ingress, headers=TRACE | parent)
    await street.client.get(payments.ingress)
    followed, begun = (request.headers for request in app.seen)
    assert (followed["x-b3-traceid"], followed["traceparent"]) == (TRACE["x-b3-traceid"], parent["traceparent"])
    assert (begun["x-b3-sampled"], begun.get("traceparent")) == ("1", None)


async def test_what_an_earlier_hop_has_decided_is_followed(street: Street) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port, tracing(1))
    await street.client.get(payments.ingress, headers=TRACE | {"x-b3-sampled": "0"})
    assert app.seen[0].headers["x-b3-sampled"] == "0"


@IN_EACH_ENCODING
@pytest.mark.parametrize("is_hanging", [False, True])
async def test_a_collector_that_is_dead_or_hangs_costs_no_request(
    street: Street, is_hanging: bool, encoding: str
) -> None:
    async def hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.sleep(60)

    collector = await street.server(hanging) if is_hanging else 1
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port, tracing(collector, encoding=encoding))
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
