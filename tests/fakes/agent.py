"""A scripted agent on a unix socket: it answers an Envoy's polls with whatever a test wants to know the effect of."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import struct
import threading
from collections import deque
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast

HOLD = 30.0  # seconds that a poll without a scripted answer is held
TYPE_URL = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"

Document = dict[str, Any]
Script = Callable[["Request"], None]


def host(port: Any, address: str = "127.0.0.1", **more: Any) -> Document:
    """One lb_endpoint."""
    return {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}, **more}


def assignment(*hosts: Document, name: str = "web", **more: Any) -> Document:
    """A ClusterLoadAssignment; without hosts it empties the cluster."""
    localities = [{"lb_endpoints": list(hosts)}] if hosts else []
    return {"@type": TYPE_URL, "cluster_name": name, "endpoints": localities, **more}


def update(version: str, *resources: Document) -> Script:
    """A DiscoveryResponse of these resources."""
    document = {"version_info": version, "type_url": TYPE_URL, "resources": list(resources)}
    return status(200, json.dumps(document))


def status(code: int, body: str = "") -> Script:
    return lambda request: request.answer(code, body.encode())


def reset(request: Request) -> None:
    """End the connection with RST and without a word."""
    request.close_connection = True
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def hang(request: Request) -> None:
    """Say nothing until the test ends."""
    request.close_connection = True
    request.fake.ended.wait(HOLD)


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def fake(self) -> FakeAgent:
        return cast("Server", self.server).fake

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        script = self.fake.script_for(asked)
        if script is None:
            self.answer(304, b"")
        else:
            script(self)

    def answer(self, code: int, body: bytes) -> None:
        length = b"" if code == 304 else b"content-length: %d\r\n" % len(body)
        self.wfile.write(b"HTTP/1.1 %d Because\r\n%s\r\n%s" % (code, length, body))
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the parent's name
        """Keep quiet."""


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, fake: FakeAgent, path: Path) -> None:
        self.fake = fake
        super().__init__(str(path), Request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what these tests are about."""


class FakeAgent:
    """Each scripted answer is given once, to the next poll; between them polls are held."""

    def __init__(self) -> None:
        self.asked: list[Document] = []
        self.ended = threading.Event()
        self._scripts: deque[Script] = deque()
        self._changed = threading.Condition()

    def answers(self, script: Script) -> None:
        with self._changed:
            self._scripts.append(script)
            self._changed.notify_all()

    def script_for(self, asked: Document) -> Script | None:
        with self._changed:
            self.asked.append(asked)
            self._changed.wait_for(lambda: self._scripts or self.ended.is_set(), HOLD)
            return self._scripts.popleft() if self._scripts else None

    @contextlib.contextmanager
    def running(self, path: Path) -> Generator[FakeAgent]:
        server = Server(self, path)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            with self._changed:
                self._changed.notify_all()
            server.shutdown()
            thread.join()
            server.server_close()
