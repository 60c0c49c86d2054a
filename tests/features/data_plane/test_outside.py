"""Services outside Consul: found by name, with TLS that is verified like a browser would, told nothing of the mesh."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from support.http_app import App, Request
from support.street import Sidecar, Street

OPENSSL = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"rates"


async def certificate(directory: Path, name: str) -> Path:
    """A certificate for that name, signed by itself, with its key in one file."""
    file = directory / f"{name}.pem"
    made = await asyncio.create_subprocess_exec(
        *(*OPENSSL, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", file, "-out", file),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await made.wait() == 0
    return file


async def outside(street: Street, file: Path) -> App:
    """An HTTPS server with that certificate."""
    app, context = App(0, good), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = await asyncio.start_server(street.connections.handler(app.serve), "127.0.0.1", 0, ssl=context)
    street.stack.push_async_callback(street.connections.close, server)
    app.port = server.sockets[0].getsockname()[1]
    return app


async def caller(street: Street, port: int, roots: Path) -> Sidecar:
    knobs = {"address": f"localhost:{port}", "tls": True, "retries": 0}
    spec = {"service": "shop", "port": "none", "upstreams": {"fx": knobs}}
    return await street.sidecar(spec, None, {"sidecar": {"ca_roots": str(roots)}})


async def test_tls_is_spoken_to_a_server_whose_certificate_the_roots_vouch_for(street: Street, tmp_path: Path) -> None:
    file = await certificate(tmp_path, "localhost")
    app = await outside(street, file)
    shop = await caller(street, app.port, file)
    answer = await street.client.get(shop.egress("fx") + "/latest")
    assert (answer.status_code, answer.content) == (200, b"rates")
    assert app.seen[0].headers["host"] == "localhost"
    assert not [name for name in app.seen[0].headers if name.startswith(("x-outrider", "x-envoy"))]


@pytest.mark.parametrize(("served", "trusted"), [("localhost", "another"), ("elsewhere", "elsewhere")])
async def test_a_server_with_an_unknown_root_or_another_name_gets_no_request(
    street: Street, tmp_path: Path, served: str, trusted: str
) -> None:
    app = await outside(street, await certificate(tmp_path, served))
    shop = await caller(street, app.port, await certificate(tmp_path, trusted))
    assert (await street.client.get(shop.egress("fx"))).status_code == 503
    assert app.seen == []
    await street.logged(shop, 1)
    assert "CERTIFICATE_VERIFY_FAILED" in shop.failures()[0]["failure"]
