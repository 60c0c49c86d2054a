"""A scripted Consul on a real socket: it answers health queries as Consul does, until it is told to misbehave."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

Entry = dict[str, Any]
Fault = Callable[["Request"], None]


def entry(address: str, port: int, status: str = "passing", **service: Any) -> Entry:
    """One ``{Node, Service, Checks}``; further keywords are fields of Service, such as ``Meta``."""
    checks = [{"CheckID": f"service:{port}", "Status": status}]
    named = {"ID": f"{address}-{port}", "Address": address, "Port": port, **service}
    return {"Node": {"Node": "n1", "Address": "10.9.9.9"}, "Service": named, "Checks": checks}


def as_registered(listed: Entry, name: str) -> Entry:
    return {**listed, "Service": {"Service": name, **listed["Service"]}}


class Request(BaseHTTPRequestHandler):
    """One query; faults use ``answer``, ``raw`` and ``reset``."""

    protocol_version = "HTTP/1.1"

    @property
    def fake(self) -> FakeConsul:
        return cast("Server", self.server).fake

    def do_GET(self) -> None:
        fake = self.fake
        url = urlsplit(self.path)
        self.parameters = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.name = url.path.rpartition("/")[2]
        fake.log.append((time.monotonic(), self.path, dict(self.headers)))
        fault = fake.fault_for(self.path)
        if fault is not None:
            fault(self)
        elif url.path.startswith("/v1/health/service/"):
            self.healthy_answer()
        else:
            self.answer(*fake.document(url.path))

    def healthy_answer(self) -> None:
        """What Consul says: at once without an index it knows, else when something changed or ``wait`` is over."""
        fake = self.fake
        with fake.changed:
            if self.parameters.get("index", "0") == str(fake.index):
                fake.changed.wait_for(lambda seen=fake.index: fake.index != seen or fake.is_closing, self.wait())
            document = fake.listed(self.name)
            headers = {"X-Consul-Index": str(fake.index)}
        self.answer(200, document, headers)

    def wait(self) -> float:
        text = self.parameters.get("wait", "300s")
        return float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])

    def answer(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
        known = {"X-Consul-Knownleader": "true", "X-Consul-Lastcontact": "0", "Content-Length": str(len(body))}
        lines = [f"HTTP/1.1 {status} Because", *(f"{k}: {v}" for k, v in (known | (headers or {})).items())]
        self.raw("\r\n".join([*lines, "", ""]).encode() + body)

    def raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def reset(self) -> None:
        """End the connection with RST and without a word."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the parent's name
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, fake: FakeConsul, host: str, port: int) -> None:
        self.fake = fake
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what these tests are about."""


class FakeConsul:
    """Services by name, one index for all, faults by path; change it from the test, in any thread."""

    def __init__(self) -> None:
        self.services: dict[str, list[Entry]] = {}
        self.documents: dict[str, tuple[int, Any]] = {}
        self.index = 10
        self.changed = threading.Condition()
        self.is_closing = False
        self.log: list[tuple[float, str, dict[str, str]]] = []
        self._next: deque[Fault] = deque()
        self._always: list[tuple[str, Fault]] = []
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def put(self, name: str, *entries: Entry, index: int | None = None) -> None:
        """Replace a service's instances and wake everybody; ``index`` may go anywhere, also backwards."""
        with self.changed:
            self.services[name] = list(entries)
            self.index = self.index + 1 if index is None else index
            self.changed.notify_all()

    def listed(self, name: str) -> list[Entry]:
        """The instances under a name, whose case Consul ignores; each entry says what it was registered as."""
        known = [(written, one) for written, some in self.services.items() for one in some]
        return [as_registered(one, written) for written, one in known if written.lower() == name.lower()]

    def once(self, *faults: Fault) -> None:
        """The next queries get these, one each."""
        self._next.extend(faults)

    def always(self, fault: Fault | None, path: str = "/") -> None:
        """Every query whose path contains ``path`` gets this from now on; None ends it."""
        self._always = [(where, what) for where, what in self._always if where != path]
        if fault is not None:
            self._always.append((path, fault))

    def fault_for(self, path: str) -> Fault | None:
        if self._next:
            return self._next.popleft()
        return next((fault for where, fault in self._always if where in path), None)

    def document(self, path: str) -> tuple[int, Any]:
        catalog = {name: [] for name in ("consul", *self.services) if name}
        return self.documents.get(path, (200, catalog) if path == "/v1/catalog/services" else (404, "unknown"))

    def queries(self, part: str = "/v1/health") -> list[str]:
        return [path for _, path, _ in self.log if part in path]

    @contextlib.contextmanager
    def running(
        self, port: int = 0, unix: Path | None = None, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> Generator[FakeConsul]:
        """Serve until the block ends: on ``port`` (0: any) of ``host``, or on a unix socket, or with TLS."""
        server = Server(self, host, port)
        self.port = server.server_address[1]
        if unix is not None:
            server.socket.close()
            server.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            server.socket.bind(str(unix))
            server.socket.listen(64)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._end(server, thread)

    def _end(self, server: Server, thread: threading.Thread) -> None:
        with self.changed:
            self.is_closing = True
            self.changed.notify_all()
        server.shutdown()
        thread.join()
        server.server_close()


def hang(seconds: float) -> Fault:
    return lambda request: (time.sleep(seconds), request.reset())[1]


def says(status: int, document: Any, **headers: str) -> Fault:
    """An answer of the test's own; ``x_consul_index="3"`` becomes a header."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return lambda request: request.answer(status, document, named)


def in_turn(*answers: Fault) -> Fault:
    """Servers behind one address: each query gets the next one's answer, at once."""
    turns = itertools.cycle(answers)

    def fault(request: Request) -> None:
        next(turns)(request)

    return fault


def raw(data: bytes) -> Fault:
    """These bytes and the end of the connection."""

    def fault(request: Request) -> None:
        request.raw(data)
        request.close_connection = True

    return fault


def reset(request: Request) -> None:
    request.reset()
