"""Agents, Envoys and Consuls for the agent's contract tests: real processes in short directories."""

from __future__ import annotations

from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from support.agent_fixtures import directory, fake

__all__ = ["directory", "fake"]


class Backend(BaseHTTPRequestHandler):
    """Says which port it is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = str(self.connection.getsockname()[1]).encode()
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parent's name
        """Keep quiet."""


class Backends(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@pytest.fixture
def backends() -> Generator[list[int]]:
    """Ports of three HTTP servers that say their own."""
    servers = [Backends(("127.0.0.1", 0), Backend) for _ in range(3)]
    threads = [Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    yield [server.port for server in servers]
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()
