"""What a server outside the mesh gets, byte by byte: what a plain client would have sent it, and nothing of ours."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import pytest
from outrider_harness.ports import free_port
from outrider_harness.waiting import until
from support.http_app import App
from support.recorder import GOOD, Recorder, fields_of, lines_of
from support.street import Sidecar, Street
from support.zipkin import spans

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
# As curl, Python, Java and old clients write them; HOST is the server's own address.
REQUESTS = {
    "a plain GET": b"GET / HTTP/1.1\r\nHost: HOST\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n",
    "nothing but a host": b"GET / HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "a path with dots, doubled slashes and a query": b"GET /a/../b//c%2Fd;e?x=1&y=%20 HTTP/1.1\r\nHost: HOST\r\n\r\n",
    "names with capitals and underscores": (
        b"GET / HTTP/1.1\r\nHost: HOST\r\nX-ODD_Name: A b\r\nSOAPAction: urn:x\r\nx-lower: 1\r\nDNT: 1\r\n\r\n"
    ),
    "a form": (
        b"POST /pay HTTP/1.1\r\nHost: HOST\r\nContent-Length: 8\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\namount=5"
    ),
    "a body in chunks": (
        b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    ),
    "a body that waits": b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    "an empty body": b"PUT /x HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n",
    "trailers and compression": (
        b"GET / HTTP/1.1\r\nHost: HOST\r\nTE: trailers\r\nAccept-Encoding: br, gzip\r\nCookie: a=1; b=2\r\n\r\n"
    ),
    "a password": b"GET / HTTP/1.1\r\nHost: HOST\r\nAuthorization: Basic bWU6c2VjcmV0\r\n\r\n",
    "a proxy's headers, of the app's own": (
        b"GET / HTTP/1.1\r\nHost: HOST\r\nX-Request-ID: mine\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
        b"Via: 1.1 mine\r\nForwarded: for=192.0.2.7\r\n\r\n"
    ),
    "a trace in both dialects, of the app's own": (
        f"GET / HTTP/1.1\r\nHost: HOST\r\nTraceparent: {TRACE}\r\nTracestate: v=1\r\n"
        "X-B3-TraceId: 0af7651916cd43dd8448eb211c80319c\r\nX-B3-SpanId: b7ad6b7169203331\r\nX-B3-Sampled: 1\r\n\r\n"
    ).encode(),
    "a trace in one header": f"GET / HTTP/1.1\r\nHost: HOST\r\nb3: {TRACE[3:52]}-1\r\n\r\n".encode(),
}


@dataclass
class Call:
    """A sidecar whose one upstream is outside, and the collector of its spans. Each request is traced, in both dialects."""

    street: Street
    shop: Sidecar
    collector: App

    async def send(self, request: bytes) -> bytes:
        """The answer to that very request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.shop.ports["egress_fx"])
        try:
            writer.write(request)
            async with asyncio.timeout(10):
                head = await reader.readuntil(b"\r\n\r\n")
                while head.startswith(b"HTTP/1.1 100"):
                    head = await reader.readuntil(b"\r\n\r\n")
                return head + await reader.readexactly(int(fields_of(head).get("content-length", "0")))
        finally:
            writer.close()
            await writer.wait_closed()


async def calling(street: Street, address: str, **knobs: Any) -> Call:
    async def taken(_: Any) -> tuple[int, bytes]:
        return 202, b""

    collector = await street.app(taken)
    where = {"collector": f"http://127.0.0.1:{collector.port}", "propagation": "b3+w3c"}
    environment = {"tracing": {"kind": "zipkin", "sampling": 100, **where}}
    spec = {"service": "shop", "port": "none", "upstreams": {"fx": {"address": address, **knobs}}}
    return Call(street, await street.sidecar(spec, None, environment), collector)


@pytest.mark.parametrize("what", REQUESTS)
async def test_a_server_outside_gets_what_the_app_sent_and_nothing_else(street: Street, what: str) -> None:
    server = Recorder()
    port = await street.server(server.serve)
    call = await calling(street, f"127.0.0.1:{port}")
    sent = REQUESTS[what]
    assert b"200 OK" in await call.send(sent.replace(b"HOST", b"localhost:1"))
    got, plain = server.seen[0], sent.replace(b"HOST", b"127.0.0.1:%d" % port)
    assert lines_of(got)[0] == lines_of(plain)[0]
    assert sorted(lines_of(got)[1:]) == sorted(lines_of(plain)[1:])
    assert got.partition(b"\r\n\r\n")[2] == plain.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("what", ["a plain GET", "a trace in both dialects, of the app's own"])
async def test_a_second_try_outside_is_the_same_request(street: Street, what: str) -> None:
    server = Recorder(lambda number: b"" if number == 1 else GOOD)
    call = await calling(street, f"127.0.0.1:{await street.server(server.serve)}", retries=1)
    assert b"200 OK" in await call.send(REQUESTS[what])
    first, second = server.seen
    assert first == second


async def test_what_is_called_outside_has_a_span_although_no_header_tells_of_it(street: Street) -> None:
    server = Recorder()
    call = await calling(street, f"127.0.0.1:{await street.server(server.serve)}")
    await call.send(REQUESTS["a trace in both dialects, of the app's own"])

    async def told() -> bool:
        return bool(spans(call.collector.seen))

    await until(told)
    (span,) = spans(call.collector.seen)
    assert (span["name"], span["kind"], span["traceId"]) == ("fx", "CLIENT", TRACE[3:35])
    assert span["parentId"] == TRACE[36:52]


async def test_headers_of_the_mesh_stay_inside_it_also_where_the_app_wrote_them(street: Street) -> None:
    server = Recorder()
    call = await calling(street, f"127.0.0.1:{await street.server(server.serve)}")
    mesh = b"X-Outrider-Destination: fx\r\nx-outrider-check: 1\r\nx-outrider-sent-x-request-id: 1\r\n"
    await call.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + mesh + b"\r\n")
    assert set(fields_of(server.seen[0])) == {"host"}


async def test_a_post_is_not_repeated_because_a_server_outside_says_that_no_app_has_seen_it(street: Street) -> None:
    unseen = b"HTTP/1.1 503 X\r\ncontent-length: 0\r\nx-outrider-unseen: 1\r\n\r\n"
    server = Recorder(lambda _: unseen)
    call = await calling(street, f"127.0.0.1:{await street.server(server.serve)}", retries=3)
    assert b" 503 " in await call.send(REQUESTS["a form"])
    assert len(server.seen) == 1


async def test_an_answer_from_outside_keeps_the_names_of_its_headers(street: Street) -> None:
    server = Recorder(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-ODD_Name: 1\r\nETag: a\r\n\r\n")
    call = await calling(street, f"127.0.0.1:{await street.server(server.serve)}")
    told = lines_of(await call.send(REQUESTS["a plain GET"]))
    assert {"Content-Length: 0", "X-ODD_Name: 1", "ETag: a"} <= set(told)


async def test_an_upgrade_passes_outside_as_it_was_asked_for(street: Street) -> None:
    asked = b"GET /live HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    switched = b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    server = Recorder(lambda _: switched)
    port = await street.server(server.serve)
    call = await calling(street, f"127.0.0.1:{port}")
    assert (await call.send(asked)).startswith(b"HTTP/1.1 101 ")
    plain = asked.replace(b"HOST", b"127.0.0.1:%d" % port)
    assert sorted(line.lower() for line in lines_of(server.seen[0])) == sorted(line.lower() for line in lines_of(plain))


@pytest.mark.parametrize("host", ["LocalHost", "localhost.", "127.0.0.1", "[0:0::1]"])
async def test_host_is_written_as_a_plain_client_writes_it(street: Street, host: str) -> None:
    server = Recorder()
    listening = await asyncio.start_server(
        street.connections.handler(server.serve),
        ["127.0.0.1", "::1"] if host.startswith("[") else "127.0.0.1",
        free_port(),
    )
    street.stack.push_async_callback(street.connections.close, listening)
    port = listening.sockets[0].getsockname()[1]
    call = await calling(street, f"{host}:{port}")
    assert b"200 OK" in await call.send(REQUESTS["a plain GET"])
    written = {"LocalHost": "localhost", "localhost.": "localhost", "[0:0::1]": "[::1]"}.get(host, host)
    assert fields_of(server.seen[0])["host"] == f"{written}:{port}"
    assert not re.search("x-", " ".join(fields_of(server.seen[0])))
