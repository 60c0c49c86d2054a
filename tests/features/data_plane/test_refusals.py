"""What a sidecar refuses: the client is told by whom and why, and the side that refuses logs it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import h2.connection
import h2.events
import pytest
import pytest_asyncio
from outrider_harness.waiting import until
from support.http_app import Request
from support.raw_http import only_answer, said_back
from support.street import Json, Pair, Sidecar, Street, pair

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOST = b"Host: payments"


def raw(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"".join(part + b"\r\n" for part in (line, *headers)) + b"\r\n" + body


GET = b"GET / HTTP/1.1"
POST = b"POST / HTTP/1.1"
CHUNK = b"3\r\nabc\r\n0\r\n\r\n"
REFUSED = {
    "no host": (raw(GET), 400, "missing_host_header"),
    "two hosts": (raw(GET, HOST, HOST), 400, "direct_response"),
    "a bad host": (raw(GET, b"Host: a b"), 400, "http.invalid_authority"),
    "a host that is to be taken away": (raw(GET, HOST, b"Connection: host"), 400, "missing_host_header"),
    "no path": (raw(b"OPTIONS * HTTP/1.1", HOST), 404, "absolute_path_rejected"),
    "a tunnel": (raw(b"CONNECT payments:80 HTTP/1.1", b"Host: payments:80"), 404, "route_not_found"),
    "an unknown method": (raw(b"FROBNICATE / HTTP/1.1", HOST), 400, "http1.codec_error"),
    "a method in lower case": (raw(b"get / HTTP/1.1", HOST), 400, "http1.codec_error"),
    "a path with raw bytes": (raw("GET /Müller HTTP/1.1".encode(), HOST), 400, "http1.codec_error"),
    "another scheme": (raw(b"GET ftp://payments/ HTTP/1.1", HOST), 400, "http1.invalid_scheme"),
    "a name with a space": (raw(GET, HOST, b"x y: 1"), 400, "http1.codec_error"),
    "a value with a control character": (raw(GET, HOST, b"x: a\x01b"), 400, "http1.invalid_characters"),
    "two lengths": (
        raw(POST, HOST, b"Content-Length: 3", b"Transfer-Encoding: chunked", body=CHUNK),
        400,
        "http1.content_length_and_chunked_not_allowed",
    ),
    "an encoding of the whole": (
        raw(POST, HOST, b"Transfer-Encoding: gzip, chunked", body=CHUNK),
        501,
        "http1.invalid_transfer_encoding",
    ),
    "1,200 headers": (raw(GET, HOST, *(b"h%d: x" % n for n in range(1_200))), 431, "http1.too_many_headers"),
    "140 KB of headers": (
        raw(GET, HOST, *(b"h%d: " % n + b"x" * 1_000 for n in range(140))),
        431,
        "http1.headers_too_large",
    ),
    "the line of a proxy": (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + raw(GET, HOST), 400, "http1.codec_error"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", 400, "http1.codec_error"),
}


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"good"


@dataclass
class Side:
    """One of the two listeners that a request may meet first."""

    sidecar: Sidecar
    listener: str

    @property
    def port(self) -> int:
        return self.sidecar.ports[self.listener]

    async def logged(self, after: int, details: str) -> Json:
        """The first line with these details; one of a connection that ended before may come between."""
        found: list[Json] = []

        async def has() -> bool:
            lines = self.sidecar.failures()[after:]
            found[:] = [line for line in lines if str(line["details"]).startswith(details)]
            return bool(found)

        await until(has)
        return found[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(standing_street: Street) -> Pair:
    return await pair(standing_street, good)


def side_of(there: Pair, listener: str) -> Side:
    return Side(there.callees[0] if listener == "ingress" else there.caller, listener)


@pytest.mark.parametrize("listener", ["ingress", "egress_payments"])
@pytest.mark.parametrize("kind", REFUSED)
async def test_what_is_refused_is_told_by_whom_and_why_and_logged_there(there: Pair, kind: str, listener: str) -> None:
    request, status, details = REFUSED[kind]
    side = side_of(there, listener)
    before, unseen = len(side.sidecar.failures()), len(there.apps[0].seen)
    said = (await only_answer(side.port, request)).decode()
    assert said.startswith(f"HTTP/1.1 {status} ")
    service = "payments" if listener == "ingress" else "checkout"
    assert f"the sidecar of {service} ({listener}) refused this request: {details}" in said
    logged = await side.logged(before, details)
    assert (logged["listener"], logged["status"], logged["details"]) == (listener, status, details)
    assert logged["peer"].startswith("127.0.0.1:")
    assert len(there.apps[0].seen) == unseen


@pytest.mark.parametrize("listener", ["ingress", "egress_payments"])
async def test_two_hosts_are_named_as_the_reason(there: Pair, listener: str) -> None:
    side = side_of(there, listener)
    before = len(side.sidecar.failures())
    assert b"it has two Host headers" in await only_answer(side.port, REFUSED["two hosts"][0])
    assert (await side.logged(before, "direct_response"))["route"] == "two_hosts"


@pytest.mark.parametrize("listener", ["ingress", "egress_payments"])
async def test_a_connection_that_breaks_before_its_first_request_is_logged_with_what_is_wrong(
    there: Pair, listener: str
) -> None:
    side = side_of(there, listener)
    before = len(side.sidecar.failures())
    await said_back(side.port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nand no settings")
    logged = await side.logged(before, "codec_error:The_user_callback")
    assert (logged["listener"], logged["flags"]) == (listener, "DPE")


async def test_headers_that_never_end_are_refused_in_words_and_logged(there: Pair) -> None:
    side = side_of(there, "ingress")
    before = len(side.sidecar.failures())
    reader, writer = await asyncio.open_connection("127.0.0.1", side.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: payments\r\nx-slow: ")
    async with asyncio.timeout(60):
        said = await reader.read()
    writer.close()
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"refused this request: request_header_timeout" in said
    assert (await side.logged(before, "request_header_timeout"))["status"] == 408


async def test_an_address_that_changed_hands_and_a_rate_are_logged_where_they_refuse(standing_street: Street) -> None:
    app = await standing_street.app(good)
    catalog = await standing_street.sidecar({"service": "catalog", "ingress": {"rate": 1}}, app.port)
    told = "the sidecar of catalog (ingress) refused this request: "
    answer = await standing_street.client.get(catalog.ingress, headers={"x-outrider-destination": "payments"})
    assert (answer.status_code, answer.text) == (421, f"{told}direct_response\nthis is catalog\n")
    answers = [await standing_street.client.get(catalog.ingress) for _ in range(5)]
    assert (answers[-1].status_code, answers[-1].text) == (429, f"{told}local_rate_limited\nlocal_rate_limited")
    await standing_street.logged(catalog, 2)
    found = [(line["status"], line["route"], line["details"]) for line in catalog.failures()[:2]]
    assert found == [(421, "another_service", "direct_response"), (429, None, "local_rate_limited")]


async def test_a_websocket_where_none_can_be_is_refused_in_words(standing_street: Street) -> None:
    app = await standing_street.app(good)
    search = await standing_street.sidecar({"service": "search", "protocol": "http2"}, app.port)
    asked = raw(GET, HOST, b"Connection: Upgrade", b"Upgrade: websocket")
    assert b"refused this request: upgrade_failed" in await only_answer(search.ports["ingress"], asked)
    await standing_street.logged(search, 1)
    assert (search.failures()[0]["status"], search.failures()[0]["details"]) == (403, "upgrade_failed")


async def reset(port: int, headers: list[tuple[str, str]]) -> bool:
    """Whether a stream of HTTP/2 with these headers is ended without an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    pseudo = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "a")]
    connection.send_headers(1, [*pseudo, *headers], end_stream=True)
    writer.write(connection.data_to_send())
    async with asyncio.timeout(10):
        while data := await reader.read(65_536):
            if any(isinstance(event, h2.events.StreamReset) for event in connection.receive_data(data)):
                break
    writer.close()
    return bool(data)


@pytest.mark.parametrize(
    ("headers", "details"),
    [
        ([("x_user", "1")], "http2.unexpected_underscore"),
        ([(f"h{number}", "x") for number in range(1_200)], "http2.too_many_headers"),
    ],
)
async def test_a_stream_of_http2_that_is_refused_without_a_status_is_logged_too(
    standing_street: Street, headers: list[tuple[str, str]], details: str
) -> None:
    app = await standing_street.app(good)
    search = await standing_street.sidecar({"service": "search", "protocol": "http2"}, app.port)
    assert await reset(search.ports["ingress"], headers)
    await standing_street.logged(search, 1)
    assert search.failures()[0]["details"] == details


async def test_metrics_refuses_in_words_and_logs_it_but_not_that_a_check_fails(standing_street: Street) -> None:
    payments = await standing_street.sidecar({"service": "payments"})
    await standing_street.answers(payments.metrics + "/health", 503)
    answer = await standing_street.client.get(payments.metrics + "/stat")
    assert answer.text == "the sidecar of payments (metrics) refused this request: route_not_found\n"
    await standing_street.logged(payments, 1)
    assert [(line["listener"], line["path"]) for line in payments.failures()] == [("metrics", "/stat")]
