"""Services outside Consul: found by name, with TLS that is verified like a browser would, told nothing of the mesh."""

from __future__ import annotations

import asyncio
import functools
import ssl
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from support.http2 import answers
from support.http_app import App, Request, Serve
from support.street import Sidecar, Street

OPENSSL = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"rates"


async def certificate(directory: Path, name: str) -> Path:
    """A certificate for that name or address, signed by itself, with its key in one file."""
    file = directory / f"{name}.pem"
    kind = "IP" if name[-1].isdigit() else "DNS"
    made = await asyncio.create_subprocess_exec(
        *(*OPENSSL, "-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}", "-keyout", file, "-out", file),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await made.wait() == 0
    return file


async def outside(street: Street, file: Path, host: str = "127.0.0.1") -> App:
    """An HTTPS server with that certificate, which tells by which names it was asked for."""
    app = App(0, good)
    app.port = await secured(street, file, app.serve, app.names, host)
    return app


async def secured(street: Street, file: Path, serve: Serve, asked: list[str | None], host: str = "127.0.0.1") -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.sni_callback = lambda _, name, __: asked.append(name)
    server = await asyncio.start_server(street.connections.handler(serve), host, 0, ssl=context)
    street.stack.push_async_callback(street.connections.close, server)
    return server.sockets[0].getsockname()[1]


async def caller(street: Street, address: str, roots: Path, **knobs: Any) -> Sidecar:
    knobs = {"address": address, "tls": True, "retries": 0, **knobs}
    spec = {"service": "shop", "port": "none", "upstreams": {"fx": knobs}}
    return await street.sidecar(spec, None, {"sidecar": {"ca_roots": str(roots)}})


@pytest.mark.parametrize(
    ("host", "name", "sni"),
    [
        ("localhost", "localhost", "localhost"),
        ("LOCALHOST", "localhost", "localhost"),
        ("localhost.", "localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1", None),
        ("[0::1]", "::1", None),
    ],
)
async def test_tls_is_spoken_to_a_server_whose_certificate_the_roots_vouch_for(
    street: Street, tmp_path: Path, host: str, name: str, sni: str | None
) -> None:
    """By name as SNI, by address without; the name is written small and without the dot that only DNS needs."""
    file = await certificate(tmp_path, name)
    app = await outside(street, file, "::1" if ":" in host else "127.0.0.1")
    shop = await caller(street, f"{host}:{app.port}", file)
    answer = await street.client.get(shop.egress("fx") + "/latest")
    assert (answer.status_code, answer.content) == (200, b"rates")
    assert app.names == [sni]
    assert app.seen[0].headers["host"] == f"{'[::1]' if name == '::1' else name}:{app.port}"


@pytest.mark.parametrize("protocol", ["http2", "grpc"])
async def test_http2_outside_names_server_and_scheme_and_has_no_header_of_ours(
    street: Street, tmp_path: Path, protocol: str
) -> None:
    file, heads = await certificate(tmp_path, "localhost"), []
    port = await secured(street, file, functools.partial(recording, heads), [])
    shop = await caller(street, f"localhost:{port}", file, protocol=protocol)
    await answers(shop.ports["egress_fx"], ["/latest"])
    assert dict(heads[0]) == {
        ":method": "GET",
        ":path": "/latest",
        ":scheme": "https",
        ":authority": f"localhost:{port}",
    }


async def recording(heads: list[Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An HTTP/2 server that keeps the headers of each request."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="ascii"))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while data := await reader.read(65_536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                heads.append(event.headers)
                connection.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
        writer.write(connection.data_to_send())


@pytest.mark.parametrize(("served", "trusted"), [("localhost", "another"), ("elsewhere", "elsewhere")])
async def test_a_server_with_an_unknown_root_or_another_name_gets_no_request(
    street: Street, tmp_path: Path, served: str, trusted: str
) -> None:
    app = await outside(street, await certificate(tmp_path, served))
    shop = await caller(street, f"localhost:{app.port}", await certificate(tmp_path, trusted))
    assert (await street.client.get(shop.egress("fx"))).status_code == 503
    assert app.seen == []
    await street.logged(shop, 1)
    assert "CERTIFICATE_VERIFY_FAILED" in shop.failures()[0]["failure"]
