"""What clients and balancers send unasked, as recorded from them, through two sidecars; a row of the docs for each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from support.raw_http import RawApp, answer_to
from support.street import Sidecar, Street

RECORDINGS = Path(__file__).parents[2] / "recordings/requests"
NAMES = sorted(file.stem for file in RECORDINGS.glob("*.raw"))
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
NO_HTTP = "openssl-client-hello"
# They ask for it, or speak a version that knows nothing else; all others are served a second time on the same connection.
CLOSED = {
    "ab-get",
    "curl-http10",
    "elb-check",
    "f5-monitor",
    "haproxy-httpchk",
    "haproxy-httpchk-get",
    "nginx-http10",
    "nginx-http10-post",
    "nginx-upstream",
    "node-http-close",
    "php-streams-get",
    "php-streams-post",
    "php5-streams-get",
    "python-urllib-get",
}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Place:
    """A caller's sidecar, a callee's and its app."""

    app: RawApp
    payments: Sidecar
    checkout: Sidecar


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(standing_street: Street) -> Place:
    street = standing_street
    app = RawApp({b"/chunked": CHUNKED})
    payments = await street.sidecar({"service": "payments"}, await street.server(app.serve))
    street.discovery.names("payments", payments.ports["ingress"])
    checkout = await street.sidecar({"service": "checkout", "port": "none", "upstreams": {"payments": {}}})
    await street.knows(checkout, "payments", 1)
    return Place(app, payments, checkout)


def recorded(name: str) -> bytes:
    return (RECORDINGS / f"{name}.raw").read_bytes()


@pytest.mark.parametrize("listener", ["ingress", "egress_payments"])
@pytest.mark.parametrize("name", [name for name in NAMES if name != NO_HTTP])
async def test_what_a_client_sends_by_default_passes(place: Place, name: str, listener: str) -> None:
    ports = {**place.payments.ports, **place.checkout.ports}
    before = len(place.app.seen)
    said = await answer_to(ports[listener], recorded(name))
    assert (said.status, said.text[-4:]) == (200, b"good")
    assert said.is_kept is (name not in CLOSED)
    line, length = sent(recorded(name))
    seen = place.app.seen[before]
    assert seen.line == line
    assert len(seen.body) == length
    assert not re.search(rb"\r\n(upgrade|http2-settings|connection):", seen.head.lower())


def sent(request: bytes) -> tuple[bytes, int]:
    """The line as an app is to see it, and the length of the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    method, path = head.split()[:2]
    told = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
    chunks = b"".join(body.split(b"\r\n")[1:-1:2])
    return b" ".join((method, path, b"HTTP/1.1")), int(told[1]) if told else len(chunks)


@pytest.mark.parametrize("name", ["haproxy-httpchk", "haproxy-httpchk-get", "f5-monitor"])
async def test_who_names_no_host_means_the_service(place: Place, name: str) -> None:
    for port in (place.payments.ports["ingress"], place.checkout.ports["egress_payments"]):
        assert (await answer_to(port, recorded(name))).status == 200
        assert b"\r\nhost: payments\r\n" in place.app.seen[-1].head


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
@pytest.mark.parametrize("path", [b"/health", b"/stats/prometheus"])
async def test_metrics_and_health_are_read_by_old_clients_too(place: Place, path: bytes, version: bytes) -> None:
    request = b"GET " + path + b" " + version + b"\r\nHost: node\r\nConnection: close\r\n\r\n"
    said = await answer_to(place.payments.ports["metrics"], request)
    assert said.text.startswith(version + b" 200 ")
    assert said.is_kept is False


async def test_http_1_0_keeps_a_connection_on_demand_and_ends_an_answer_of_unknown_length_by_its_close(
    place: Place,
) -> None:
    head = b"GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    for port in (place.payments.ports["ingress"], place.checkout.ports["egress_payments"]):
        said = await answer_to(port, head)
        assert said.text.endswith(b"\r\n\r\nabcde")
        assert (said.is_kept, b"chunked" in said.text) == (False, False)


async def test_tls_where_none_is_spoken_is_refused_in_words_and_logged(place: Place, standing_street: Street) -> None:
    before = len(place.payments.failures())
    said = await answer_to(place.payments.ports["ingress"], recorded(NO_HTTP))
    assert said.status == 400
    assert b"the sidecar of payments (ingress)" in said.text
    await standing_street.logged(place.payments, before + 2)
    request, connection = place.payments.failures()[before:]
    assert (request["status"], request["details"]) == (400, "http1.codec_error")
    assert (connection["listener"], connection["flags"]) == ("ingress", "DPE")
