"""The transport seam: quoting, deadlines, trust, what is tried again, and errors that say what to do."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from outrider_ground.errors import OutriderError, RemoteError, UsageError
from outrider_harness.scripted_consul import FakeConsul

from outrider.clients.blocking import waiting_s
from outrider.clients.consul import consul_client
from outrider.clients.http import Call, Connection, Server, json_of
from outrider.clients.nomad import nomad_client
from outrider.clients.sidecar import SidecarClient
from outrider.clients.trust import tls_context
from outrider.server_settings import ConsulSettings, NomadSettings, Tls
from outrider.telemetry.report import Report

SERVER = Server("Nomad", "http://nomad:4646", "Look at it.")
Handler = Callable[[httpx2.Request], httpx2.Response]


def connection_to(handler: Handler, server: Server = SERVER) -> Connection:
    return Connection(server, httpx2.MockTransport(handler))


def failing(times: int, error: type[httpx2.TransportError]) -> tuple[Handler, list[str]]:
    """A handler that fails so often before it answers, and the methods that it saw."""
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.method)
        if len(seen) <= times:
            raise error("broken", request=request)
        return httpx2.Response(200, content=b"{}")

    return handler, seen


@pytest.mark.parametrize(
    ("segment", "quoted"),
    [("a b", "a%20b"), ("a/b", "a%2Fb"), ("a?b#c", "a%3Fb%23c"), ("ä", "%C3%A4"), ("a%2Fb", "a%252Fb"), ("..a", "..a")],
)
async def test_a_segment_is_quoted_once_and_never_changes_the_path(segment: str, quoted: str) -> None:
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.raw_path.decode())
        return httpx2.Response(200)

    await connection_to(handler).answer(Call("GET", ("v1", "job", segment)))
    assert seen == [f"/v1/job/{quoted}"]


@pytest.mark.parametrize("segment", ["", ".", ".."])
async def test_a_segment_that_would_lead_elsewhere_is_refused(segment: str) -> None:
    with pytest.raises(UsageError, match="path of a request"):
        await connection_to(lambda _: httpx2.Response(200)).answer(Call("GET", ("v1", "job", segment)))


async def test_a_read_is_tried_again_when_the_connection_breaks() -> None:
    handler, seen = failing(2, httpx2.ReadError)
    await connection_to(handler).answer(Call("GET", ("v1", "jobs")))
    assert seen == ["GET", "GET", "GET"]


async def test_a_write_is_never_sent_twice() -> None:
    handler, seen = failing(1, httpx2.ReadError)
    with pytest.raises(RemoteError, match="POST /v1/jobs: broken"):
        await connection_to(handler).answer(Call("POST", ("v1", "jobs")))
    assert seen == ["POST"]


async def test_a_write_that_found_no_connection_is_tried_again() -> None:
    handler, seen = failing(1, httpx2.ConnectError)
    await connection_to(handler).answer(Call("POST", ("v1", "jobs")))
    assert seen == ["POST", "POST"]


async def test_a_server_that_takes_too_long_is_not_asked_again() -> None:
    handler, seen = failing(1, httpx2.ReadTimeout)
    with pytest.raises(RemoteError, match="did not answer GET /v1/jobs in time"):
        await connection_to(handler).answer(Call("GET", ("v1", "jobs")))
    assert seen == ["GET"]


async def test_a_server_that_is_away_is_named_with_its_address_its_origin_and_the_next_step() -> None:
    handler, _ = failing(9, httpx2.ConnectError)
    server = Server("the portal", "http://portal:7070", "Start one.", origin="OUTRIDER_ADDR")
    with pytest.raises(RemoteError) as raised:
        await connection_to(handler, server).answer(Call("GET", ("health",)))
    assert "the portal at http://portal:7070 (from OUTRIDER_ADDR) cannot be reached" in raised.value.message
    assert raised.value.next_step == "Start one."
    assert raised.value.status is None


@pytest.mark.parametrize(
    ("status", "step"), [(401, "token"), (403, "lacks the right"), (429, "limits connections"), (500, "")]
)
async def test_a_refusal_says_what_the_server_said_and_what_to_do(status: int, step: str) -> None:
    with pytest.raises(RemoteError, match="no, because") as raised:
        await connection_to(lambda _: httpx2.Response(status, text="no, because")).answer(Call("GET", ("v1", "jobs")))
    assert raised.value.status == status
    assert step in (raised.value.next_step or "")


async def test_an_endless_error_page_is_cut() -> None:
    with pytest.raises(RemoteError) as raised:
        await connection_to(lambda _: httpx2.Response(500, text="x" * 100_000)).answer(Call("GET", ("v1", "jobs")))
    assert len(raised.value.message) < 3000


@pytest.mark.parametrize("body", [b"<html>a proxy's page</html>", b'{"half": ', b"", b"\xff\xfe"])
async def test_an_answer_that_is_no_json_is_the_servers_fault(body: bytes) -> None:
    connection = connection_to(lambda _: httpx2.Response(200, content=body))
    call = Call("GET", ("v1", "jobs"))
    with pytest.raises(RemoteError, match="not JSON"):
        json_of(connection, call, await connection.answer(call))


async def test_a_redirect_is_not_followed() -> None:
    response = httpx2.Response(307, headers={"location": "http://elsewhere/"})
    with pytest.raises(RemoteError, match="answered 307"):
        await connection_to(lambda _: response).answer(Call("GET", ("v1", "jobs")))


async def test_an_error_in_the_middle_of_a_stream_is_a_remote_error() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        raise httpx2.ReadError("gone")

    connection = connection_to(lambda _: httpx2.Response(200, content=body()))
    with pytest.raises(RemoteError, match="gone"):
        async with connection.stream(Call("GET", ("v1", "event", "stream"))) as response:
            _ = [chunk async for chunk in response.aiter_bytes()]


def test_a_blocking_query_is_given_its_jitter_and_some_more() -> None:
    assert waiting_s(60) == 60 + 3.75 + 10


@pytest.mark.parametrize("address", ["ftp://nomad", "http://nomad:port", "http://", "file:///etc/passwd"])
def test_an_address_of_no_http_server_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="no address of an HTTP server"):
        Connection(Server("Nomad", address, ""))


async def test_credentials_region_and_namespace_go_with_every_call() -> None:
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=[])

    transport = httpx2.MockTransport(handler)
    credentials = NomadSettings(token="nomad-token", namespace="default", http_auth="kim:secret")
    await nomad_client("http://nomad", credentials, region="eu", namespace="shop", transport=transport).regions()
    await consul_client(
        "consul:8500", ConsulSettings(token="t", namespace="ns", is_tls=True), transport=transport
    ).services()
    nomad, consul = seen
    assert nomad.headers["X-Nomad-Token"] == "nomad-token"
    assert nomad.headers["Authorization"].startswith("Basic ")
    assert dict(nomad.url.params) == {"region": "eu", "namespace": "shop"}
    assert consul.headers["X-Consul-Token"] == "t"
    assert str(consul.url) == "https://consul:8500/v1/catalog/services?ns=ns"


async def test_consuls_token_file_wins_over_the_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["X-Consul-Token"])
        return httpx2.Response(200, json={})

    settings = ConsulSettings(token="from-variable", token_file=str(file))
    await consul_client("http://consul", settings, transport=httpx2.MockTransport(handler)).services()
    assert seen == ["from-file"]
    with pytest.raises(UsageError, match="CONSUL_HTTP_TOKEN_FILE"):
        consul_client("http://consul", ConsulSettings(token_file=str(tmp_path / "none")))


async def test_the_registers_wrapping_carries_the_index_only_when_one_is_given() -> None:
    bodies: list[dict[str, Any]] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        return httpx2.Response(200, json={})

    nomad = nomad_client("http://nomad", NomadSettings(), transport=httpx2.MockTransport(handler))
    await nomad.register({"ID": "a"})
    await nomad.register({"ID": "a"}, 0)
    assert bodies == [{"Job": {"ID": "a"}}, {"Job": {"ID": "a"}, "EnforceIndex": True, "JobModifyIndex": 0}]


async def test_a_unix_socket_is_an_address_too(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"%s"' % (len(path) + 2, path))
        await writer.drain()
        writer.close()

    socket = tmp_path / "consul.sock"
    async with await asyncio.start_unix_server(answer, socket):
        consul = consul_client(f"unix://{socket}", ConsulSettings())
        assert await consul.leader() == "/v1/status/leader"
        await consul.close()


async def test_a_sidecar_is_asked_at_its_metrics_listener() -> None:
    seen: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url))
        return httpx2.Response(200, json={"upstreams": {}})

    assert await SidecarClient(httpx2.MockTransport(handler)).endpoints("10.0.0.5:20100") == Report()
    assert seen == ["http://10.0.0.5:20100/agent/endpoints"]


def test_tls_is_verified_unless_a_person_says_otherwise() -> None:
    assert tls_context(Tls()).verify_mode == ssl.CERT_REQUIRED
    assert tls_context(Tls(is_verified=False)).verify_mode == ssl.CERT_NONE


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.pem"):
        tls_context(Tls(ca_file=str(tmp_path / "nowhere.pem")))


CERTIFICATES = Path(__file__).parents[2] / "fakes" / "certificates"
CA, CERTIFICATE, KEY = (str(CERTIFICATES / name) for name in ("ca.pem", "client.pem", "client.key"))


@pytest.fixture
def closed_server() -> Generator[str]:
    """A server that wants a certificate (verify_incoming)."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=CA)
    context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    with FakeConsul().running(tls=context) as running:
        yield f"https://{running.address}"


async def leader(address: str, tls: Tls) -> str:
    client = consul_client(address, ConsulSettings(tls=tls))
    try:
        await client.services()
    except OutriderError as error:
        return str(error)
    finally:
        await client.close()
    return ""


async def test_a_server_that_wants_a_certificate_and_gets_none_is_a_sentence(closed_server: str) -> None:
    assert await leader(closed_server, Tls(CA, None, CERTIFICATE, KEY)) == ""
    # The server's alert may be overtaken by the end of the connection, which says nothing.
    answers = [await leader(closed_server, Tls(CA)) for _ in range(8)]
    said = next((one for one in answers if "refuses us" in one), answers[0])
    assert said.startswith(f"Consul at {closed_server} refuses us: ")
    assert "It wants a certificate, and CONSUL_CLIENT_CERT is not set\n" in said


async def test_a_server_of_an_unknown_authority_is_a_sentence_that_names_whom_we_trust(closed_server: str) -> None:
    said = await leader(closed_server, Tls(None, None, CERTIFICATE, KEY))
    assert "shows a certificate that the machine's own authorities does not let us believe" in said


async def test_a_server_that_speaks_no_tls_is_a_sentence() -> None:
    with FakeConsul().running() as plain:
        said = await leader(f"https://{plain.address}", Tls(CA))
    assert f"Consul at https://{plain.address} does not speak TLS as we do" in said


def test_files_of_certificates_that_are_of_no_use_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    server_key = str(CERTIFICATES / "server.key")
    for tls, said in (
        (Tls("/nowhere.pem"), "/nowhere.pem cannot be read: No such file"),
        (Tls(CA, None, "/nowhere.pem", KEY), "/nowhere.pem cannot be read: No such file"),
        (Tls(CA, None, CERTIFICATE, "/nowhere.key"), "/nowhere.key cannot be read: No such file"),
        (Tls(CA, None, CERTIFICATE, server_key), f"{CERTIFICATE} and {server_key} are no certificate with its key"),
        (Tls(str(tmp_path / "empty.pem")), "empty.pem holds no authorities"),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            tls_context(tls)


@pytest.mark.parametrize("secret", ["se\ncret", "se\rcret", "se\0cret", "se\x1bcret", "se\x7fcret", "se\udce9cret"])
def test_a_token_that_no_header_can_carry_is_told_and_not_shown(secret: str) -> None:
    server = replace(SERVER, headers={"X-Nomad-Token": secret})
    with pytest.raises(UsageError, match="as X-Nomad-Token holds a line feed or another sign") as caught:
        connection_to(lambda _: httpx2.Response(200), server)
    assert "cret" not in str(caught.value).replace("secret", "")


async def test_a_token_of_other_letters_is_sent_as_utf8() -> None:
    sent: list[bytes] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        sent.extend(value for name, value in request.headers.raw if name.lower() == b"authorization")
        return httpx2.Response(200)

    server = replace(SERVER, headers={"Authorization": "Bearer clé"})
    await connection_to(handler, server).answer(Call("GET", ("v1", "x")))
    assert sent == ["Bearer clé".encode()]
