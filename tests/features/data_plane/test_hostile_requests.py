"""What comes in at ingress by raw sockets: paths, smuggled requests, headers that would command, floods of headers."""

from __future__ import annotations

import asyncio
import json

import pytest
from support.http_app import Request
from support.raw_http import said_back
from support.street import Sidecar, Street, pair

HOST = b"host: payments\r\n"


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"good"


def statuses(said: bytes) -> list[int]:
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]


def get(path: str, *headers: bytes) -> bytes:
    return b"GET " + path.encode() + b" HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in headers) + b"\r\n"


@pytest.mark.parametrize(
    ("asked", "app_sees"),
    [
        ("/a/../b", "/b"),
        ("/a/%2e%2e/b", "/b"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("//admin//x", "/admin/x"),
        ("/a/./b?q=../c", "/a/b?q=../c"),
        ("/a%2fb", "/a%2fb"),
        ("/a%2F..%2Fb", "/a%2F..%2Fb"),
        ("/a/..;/b", "/b"),
        ("/a;v=1/b", "/a;v=1/b"),
    ],
)
async def test_e15_a_path_is_resolved_once_and_what_is_ambiguous_is_left_to_the_app(
    street: Street, asked: str, app_sees: str
) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    assert statuses(await said_back(payments.ports["ingress"], get(asked))) == [200]
    assert [request.path for request in app.seen] == [app_sees]


@pytest.mark.parametrize("asked", ["/a\\..\\b", "/a#/../b", "/a\x00b", "a", "/a b"])
async def test_e15_a_path_that_is_none_never_reaches_the_app_as_it_is(street: Street, asked: str) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    found = statuses(await said_back(payments.ports["ingress"], get(asked)))
    assert found == [400] or [request.path for request in app.seen] == ["/b"]


@pytest.mark.parametrize(
    "line",
    [
        b"x-b3-traceid: 463ac35c9f6413ad48485a3953bb6124",
        b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"b3: 463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1",
        b"x-b3-sampled: 1",
    ],
)
async def test_a_trace_that_is_told_twice_costs_no_request(street: Street, line: bytes) -> None:
    where = {"collector": "http://127.0.0.1:1", "propagation": "b3+w3c"}
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port, {"tracing": where})
    assert statuses(await said_back(payments.ports["ingress"], get("/", line, line))) == [200]


async def test_who_names_two_services_means_none(street: Street) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    means = [b"x-outrider-destination: payments", b"x-outrider-destination: orders"]
    assert statuses(await said_back(payments.ports["ingress"], get("/", *means))) == [421]
    assert not app.seen


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: payments\r\n\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        b"content-length: 4\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        b"content-length: 4\r\ncontent-length: 5\r\n",
        b"content-length: 4, 5\r\n",
        b"content-length: +4\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"transfer-encoding: xchunked\r\n",
        b"transfer-encoding : chunked\r\n",
        b"transfer-encoding: chunked\r\ntransfer-encoding: cow\r\n",
    ],
)
async def test_a_body_whose_length_is_told_twice_or_wrongly_smuggles_nothing(street: Street, framing: bytes) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    head = b"POST / HTTP/1.1\r\n" + HOST + framing + b"\r\n"
    found = statuses(await said_back(payments.ports["ingress"], head + b"0\r\n\r\n" + SMUGGLED))
    assert found[:1] in ([400], [501])
    assert app.seen == []


@pytest.mark.parametrize("line", [b"x: y\n", b"x: y\r", b"x:\n "])
async def test_odd_line_ends_mean_to_the_app_what_they_mean_here(street: Street, line: bytes) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    head = b"POST / HTTP/1.1\r\n" + HOST + line + b"transfer-encoding: chunked\r\n\r\n"
    found = statuses(await said_back(payments.ports["ingress"], head + b"0\r\n\r\n" + SMUGGLED))
    assert len(app.seen) == found.count(200)


async def test_a_bad_chunk_ends_the_connection_and_what_follows_is_no_request(street: Street) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    head = b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n"
    await said_back(payments.ports["ingress"], head + b"zz\r\nabc\r\n0\r\n\r\n" + SMUGGLED)
    assert "/smuggled" not in [request.path for request in app.seen]


async def test_an_answer_of_200_to_an_upgrade_opens_no_tunnel(street: Street) -> None:
    """Envoy's CVE-2024-23326: what follows such an answer is a request again, not the app's raw bytes."""
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    upgrade = get("/", b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-key: x")
    await said_back(payments.ports["ingress"], upgrade, get("/x", b"x-outrider-destination: other"))
    assert [request.path for request in app.seen][1:] == []


async def test_e15_underscores_in_header_names_are_refused_and_logged_but_grpc_may_have_them(street: Street) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    assert statuses(await said_back(payments.ports["ingress"], get("/", b"x_forwarded_for: 1.2.3.4"))) == [400]
    assert app.seen == []
    await street.logged(payments, 1)
    assert "underscore" in payments.failures()[0]["details"]


ORDERS = {
    "x-envoy-retry-on": "5xx",
    "x-envoy-max-retries": "5",
    "x-envoy-upstream-rq-timeout-ms": "1",
    "x-envoy-upstream-rq-per-try-timeout-ms": "1",
    "x-envoy-force-trace": "1",
    "x-envoy-internal": "true",
    "x-envoy-original-path": "/admin",
}


async def test_e16_headers_that_command_envoy_do_nothing_and_never_reach_the_app(street: Street) -> None:
    async def failing(request: Request) -> tuple[int, bytes]:
        await asyncio.sleep(0.05)
        return 503, b""

    app = await street.app(failing)
    payments = await street.sidecar({"service": "payments"}, app.port)
    assert (await street.client.get(payments.ingress, headers=ORDERS)).status_code == 503
    assert len(app.seen) == 1
    assert not [name for name in app.seen[0].headers if name.startswith("x-envoy")]


async def test_e16_the_log_names_who_is_connected_and_not_who_a_header_says(street: Street) -> None:
    async def failing(request: Request) -> tuple[int, bytes]:
        return 500, b""

    app = await street.app(failing)
    payments = await street.sidecar({"service": "payments"}, app.port)
    spoofed = {"x-forwarded-for": "6.6.6.6", "x-request-id": 'x"}\n{"peer":"6.6.6.6'.replace("\n", "")}
    await street.client.get(payments.ingress, headers=spoofed)
    await street.client.get(payments.ingress, headers={"connection": "x-forwarded-for, x-outrider-destination"})
    await street.logged(payments, 2)
    assert {line["peer"].rpartition(":")[0] for line in payments.failures()} == {"127.0.0.1"}


async def test_e16_headers_that_order_a_trace_order_none(street: Street) -> None:
    collector = await street.app(good)
    app = await street.app(good)
    tracing = {"tracing": {"collector": f"http://127.0.0.1:{collector.port}", "sampling": 0}}
    payments = await street.sidecar({"service": "payments"}, app.port, tracing)
    name = "3f6f1a3c-9d2b-4f2a-8b5e-1c2d3e4f5a6b"
    for order in ("x-client-trace-id", "x-envoy-force-trace"):
        await street.client.get(payments.ingress, headers={order: "1", "x-request-id": name})
        assert (app.seen[-1].headers["x-request-id"], app.seen[-1].headers["x-b3-sampled"]) == (name, "0")


async def test_a_body_of_any_size_passes_without_being_kept(street: Street) -> None:
    there = await pair(street, good, knobs={"stream": True})
    await posted(street, there.caller, 30_000_000)
    assert len(there.apps[0].seen[0].body) == 30_000_000


async def posted(street: Street, caller: Sidecar, size: int) -> None:
    answer = await street.client.post(caller.egress("payments"), content=b"x" * size)
    assert answer.status_code == 200, json.dumps(dict(answer.headers))
