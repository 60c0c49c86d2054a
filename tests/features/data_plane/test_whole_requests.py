"""What of a request and its answer is easily lost on the way through two sidecars, and is not: see each test's name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import h2.connection
import h2.events
import pytest
import pytest_asyncio
from support.raw_http import GOOD, RawApp, answer_to, only_answer, said_back
from support.street import Sidecar, Street

from outrider.envoy.header_limits import HEADERS, HEADERS_KB

pytestmark = pytest.mark.asyncio(loop_scope="module")
LISTENERS = pytest.mark.parametrize("listener", ["ingress", "egress_payments"])
TRAILED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n"
MANY = b"".join(b"x-%d: 1\r\n" % number for number in range(HEADERS - 10))
LARGE = b"".join(b"x-%d: " % number + b"v" * 1_000 + b"\r\n" for number in range(HEADERS_KB - 8))
ANSWERS = {
    b"/trailers": TRAILED,
    b"/hints": b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n" + GOOD,
    b"/processing": b"HTTP/1.1 102 Processing\r\n\r\n" + GOOD,
    b"/many": GOOD.replace(b"\r\n", b"\r\n" + MANY, 1),
    b"/large": GOOD.replace(b"\r\n", b"\r\n" + LARGE, 1),
    b"/cookies": GOOD.replace(b"\r\n", b"\r\n" + b"set-cookie: a=b\r\n" * 300, 1),
    b"/needs-tls": b"HTTP/1.1 426 Upgrade Required\r\ncontent-length: 4\r\n\r\ngood",
    b"/ws": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhello",
}


@dataclass
class Place:
    """A caller's sidecar, a callee's and its app, which wants bodies or does not."""

    app: RawApp
    payments: Sidecar
    checkout: Sidecar

    def port(self, listener: str) -> int:
        return {**self.payments.ports, **self.checkout.ports}[listener]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(standing_street: Street) -> Place:
    street = standing_street
    app = RawApp(ANSWERS)
    payments = await street.sidecar({"service": "payments"}, await street.server(app.serve))
    street.discovery.names("payments", payments.ports["ingress"])
    upstreams = {"payments": {"retries": 0}}
    checkout = await street.sidecar({"service": "checkout", "port": "none", "upstreams": upstreams})
    await street.knows(checkout, "payments", 1)
    return Place(app, payments, checkout)


def get(path: str, headers: bytes = b"") -> bytes:
    return b"GET " + path.encode() + b" HTTP/1.1\r\nHost: payments\r\n" + headers + b"\r\n"


@LISTENERS
async def test_trailers_of_a_request_reach_the_app(place: Place, listener: str) -> None:
    head = b"POST / HTTP/1.1\r\nHost: payments\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
    assert (await answer_to(place.port(listener), head + b"3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n")).status == 200
    seen = place.app.seen[-1]
    assert (seen.body, seen.trailers) == (b"abc", b"x-sum: 7\r\n")
    assert b"\r\ntrailer: x-sum\r\n" in seen.head


@LISTENERS
async def test_trailers_of_an_answer_reach_the_client(place: Place, listener: str) -> None:
    said = await said_back(place.port(listener), get("/trailers", b"TE: trailers\r\n"))
    assert said.endswith(b"0\r\nx-sum: 7\r\n\r\n")
    assert b"\r\nte: trailers\r\n" in place.app.seen[-1].head


@LISTENERS
async def test_trailers_are_left_out_for_a_client_that_cannot_have_them(place: Place, listener: str) -> None:
    said = await said_back(place.port(listener), b"GET /trailers HTTP/1.0\r\n\r\n")
    assert said.endswith(b"\r\n\r\nabc")


@LISTENERS
@pytest.mark.parametrize(("path", "interim"), [("/hints", b"103"), ("/processing", b"102")])
async def test_an_interim_answer_of_the_app_reaches_the_client_before_the_final_one(
    place: Place, path: str, interim: bytes, listener: str
) -> None:
    said = await said_back(place.port(listener), get(path))
    first, final = said.split(b"HTTP/1.1 ")[1:]
    assert (first[:3], final[:3], final[-4:]) == (interim, b"200", b"good")
    assert (b"\r\nlink: </a.css>\r\n" in first) is (interim == b"103")


@LISTENERS
async def test_the_app_says_whether_it_wants_the_body_that_a_client_asks_about(place: Place, listener: str) -> None:
    head = b"POST / HTTP/1.1\r\nHost: payments\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    said = await answer_to(place.port(listener), head)
    assert said.text.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert b"\r\nexpect: 100-continue\r\n" in place.app.seen[-1].head
    place.app.wants_bodies = False
    try:
        assert (await only_answer(place.port(listener), head)).startswith(b"HTTP/1.1 417 ")
    finally:
        place.app.wants_bodies = True


@LISTENERS
async def test_as_many_headers_as_the_page_says_pass_both_sidecars(place: Place, listener: str) -> None:
    for headers in (MANY, LARGE):
        assert (await answer_to(place.port(listener), get("/", headers))).status == 200
        assert place.app.seen[-1].head.count(b"\r\nx-") >= headers.count(b"\r\n")


@LISTENERS
@pytest.mark.parametrize("path", ["/many", "/large", "/cookies"])
async def test_an_answer_may_have_as_many_headers_too(place: Place, path: str, listener: str) -> None:
    said = await only_answer(place.port(listener), get(path))
    assert said.startswith(b"HTTP/1.1 200")
    sent = ANSWERS[path.encode()].partition(b"\r\n\r\n")[0]
    assert said.count(b"\r\n") >= sent.count(b"\r\n")
    assert len(said) >= len(sent)


async def test_what_one_sidecar_takes_the_next_one_never_refuses_for_its_own_headers(place: Place) -> None:
    """The one at the limit is told so by the sidecar that it asks, whose log shows it."""
    for count in range(HEADERS - 14, HEADERS + 3):
        lines = b"".join(b"x-%d: 1\r\n" % number for number in range(count))
        said = await only_answer(place.port("egress_payments"), get("/", lines))
        taken = count + len([b"host"]) <= HEADERS
        assert said.startswith(b"HTTP/1.1 200" if taken else b"HTTP/1.1 431")
        assert taken or b"the sidecar of checkout (egress_payments)" in said


async def test_nor_for_the_bytes_that_it_adds(place: Place) -> None:
    """Both answers occur: the sizes lie around the limit of the first sidecar, which counts names and values."""
    refused = b"the sidecar of checkout (egress_payments) refused this request: http1.headers_too_large"
    found = set[bytes]()
    for size in range(HEADERS_KB * 1_024 - 1_000, HEADERS_KB * 1_024 + 200, 40):
        lines = [b"x: " + b"v" * length + b"\r\n" for length in (size // 4, size // 4, size // 4, size - size // 4 * 3)]
        said = await only_answer(place.port("egress_payments"), get("/", b"".join(lines)))
        found.add(said[-4:] if said.startswith(b"HTTP/1.1 200") else said.splitlines()[-2])
    assert found == {b"good", refused}


@LISTENERS
@pytest.mark.parametrize(
    "offered",
    [b"TLS/1.2", b"TLS/1.2, HTTP/1.1", b"h2c", b"websockets", b"web", b"foo", b"HTTP/2.0, foo", b""],
)
async def test_an_upgrade_that_nobody_here_knows_is_ignored_as_servers_may(
    place: Place, offered: bytes, listener: str
) -> None:
    said = await answer_to(place.port(listener), get("/", b"Connection: Upgrade\r\nUpgrade: " + offered + b"\r\n"))
    assert (said.status, said.is_kept) == (200, True)
    assert b"upgrade" not in place.app.seen[-1].head.lower()


@LISTENERS
@pytest.mark.parametrize("offered", [b"websocket", b"WebSocket", b"websocket, TLS/1.2", b"h2c, websocket"])
async def test_a_websocket_is_never_taken_for_one_of_those(place: Place, offered: bytes, listener: str) -> None:
    asked = get("/ws", b"Connection: keep-alive, Upgrade\r\nUpgrade: " + offered + b"\r\n")
    said = await said_back(place.port(listener), asked)
    assert said.startswith(b"HTTP/1.1 101 ")
    assert said.endswith(b"\r\n\r\nhello")


@LISTENERS
@pytest.mark.parametrize(
    "line",
    [b"x-a:", b"x-a:   ", b"x-a: b\r\n c", b"x-a: M\xfcller", "x-a: Müller".encode(), b"x-a:\tb\tc\t", b'x-a: "b", c'],
)
async def test_odd_values_of_headers_pass(place: Place, line: bytes, listener: str) -> None:
    assert (await answer_to(place.port(listener), get("/", line + b"\r\n"))).status == 200
    value = line.partition(b":")[2].strip().replace(b"\r\n", b"")
    assert b"\r\nx-a: " + value + b"\r\n" in place.app.seen[-1].head


@LISTENERS
@pytest.mark.parametrize("method", [b"PROPFIND", b"PURGE", b"TRACE", b"PATCH", b"REPORT", b"DELETE"])
async def test_methods_that_are_not_everybodys_pass(place: Place, method: bytes, listener: str) -> None:
    assert (await answer_to(place.port(listener), get("/").replace(b"GET", method))).status == 200
    assert place.app.seen[-1].line == method + b" / HTTP/1.1"


@LISTENERS
async def test_the_target_of_a_proxys_client_names_the_host(place: Place, listener: str) -> None:
    said = await answer_to(place.port(listener), get("http://elsewhere:99/x?y=1"))
    assert said.status == 200
    assert place.app.seen[-1].head.startswith(b"GET /x?y=1 HTTP/1.1\r\nhost: elsewhere:99\r\n")


@LISTENERS
async def test_requests_that_are_sent_one_after_the_other_without_waiting_are_answered_in_order(
    place: Place, listener: str
) -> None:
    before = len(place.app.seen)
    said = await said_back(place.port(listener), b"".join(get(f"/{number}") for number in range(5)))
    assert said.count(b"good") == 5
    assert [request.line.split()[1] for request in place.app.seen[before:]] == [b"/%d" % number for number in range(5)]


@LISTENERS
async def test_a_head_has_the_length_that_a_get_would_have_and_no_body(place: Place, listener: str) -> None:
    said = await said_back(place.port(listener), get("/").replace(b"GET", b"HEAD"))
    assert b"\r\ncontent-length: 4\r\n" in said
    assert said.endswith(b"\r\n\r\n")


async def trailers_back(port: int) -> list[tuple[str, str]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    pseudo = [(":method", "GET"), (":path", "/trailers"), (":scheme", "http"), (":authority", "a")]
    connection.send_headers(1, [*pseudo, ("te", "trailers")], end_stream=True)
    writer.write(connection.data_to_send())
    async with asyncio.timeout(10):
        while data := await reader.read(65_536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.TrailersReceived):
                    writer.close()
                    return [(name.decode(), value.decode()) for name, value in event.headers]
    return []


@LISTENERS
async def test_trailers_of_an_http1_app_reach_a_client_of_http2(place: Place, listener: str) -> None:
    assert await trailers_back(place.port(listener)) == [("x-sum", "7")]
