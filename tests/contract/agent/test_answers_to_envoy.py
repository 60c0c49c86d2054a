"""B03 and B04: what Envoy makes of each answer that an endpoint server could give; run again with every new Envoy.

One Envoy has a cluster for each case. Each is given one good endpoint first, then the case's answer, once.
"""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, cast

import pytest
from outrider_agent.discovery import TYPE_URL
from outrider_harness.envoys import Envoy, running_envoy
from outrider_harness.programs import short_directory
from outrider_harness.waiting import eventually

Answer = tuple[int, bytes]
GOOD, OTHER = 1, 2  # ports of endpoints; nobody needs to listen there


def resource(name: str, *ports: int, address: str = "127.0.0.1", **more: Any) -> dict[str, Any]:
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}, **more}
        for port in ports
    ]
    return {"@type": TYPE_URL, "cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}] if ports else []}


def answer(version: str, *resources: dict[str, Any], **more: Any) -> Answer:
    return 200, json.dumps({"version_info": version, "type_url": TYPE_URL, "resources": resources, **more}).encode()


CASES: dict[str, tuple[Callable[[str], Answer], str, set[int]]] = {
    # name: (the answer, the counter that must rise, the endpoints that must be left)
    "changed": (lambda name: answer("2", resource(name, OTHER)), "update_success", {OTHER}),
    "same-version": (lambda name: answer("1", resource(name, OTHER)), "update_success", {OTHER}),
    "same-content": (lambda name: answer("2", resource(name, GOOD)), "update_no_rebuild", {GOOD}),
    "not-modified": (lambda _: (304, b""), "update_attempt", {GOOD}),
    "server-error": (lambda _: (500, b"oops"), "update_failure", {GOOD}),
    "unavailable": (lambda _: (503, b""), "update_failure", {GOOD}),
    "not-found": (lambda _: (404, b""), "update_failure", {GOOD}),
    "malformed": (lambda _: (200, b'{"version_info":"2","resou'), "update_rejected", {GOOD}),
    "nothing": (lambda _: (200, b""), "update_rejected", {GOOD}),
    "wrong-name": (lambda _: answer("2", resource("somebody-else", OTHER)), "update_rejected", {GOOD}),
    "two-resources": (
        lambda name: answer("2", resource(name, OTHER), resource(f"{name}2", OTHER)),
        "update_rejected",
        {GOOD},
    ),
    "host-name": (lambda name: answer("2", resource(name, OTHER, address="localhost")), "update_rejected", {GOOD}),
    "bad-port": (lambda name: answer("2", resource(name, 99_999)), "update_rejected", {GOOD}),
    "weight-zero": (
        lambda name: answer("2", resource(name, OTHER, load_balancing_weight=0)),
        "update_rejected",
        {GOOD},
    ),
    "unknown-field": (lambda name: answer("2", resource(name, OTHER), surprise=1), "update_success", {OTHER}),
    "no-resources": (lambda _: answer("2"), "update_empty", {GOOD}),
    "no-endpoints": (lambda name: answer("2", resource(name)), "update_success", set()),
}


class Poll(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = cast("Script", self.server)
        (name,) = json.loads(self.rfile.read(int(self.headers["content-length"])))["resource_names"]
        server.asked[name] += 1
        if server.asked[name] > 2:
            server.is_over.wait()  # a held poll
        status, body = answer("1", resource(name, GOOD)) if server.asked[name] == 1 else CASES[name][0](name)
        head = f"HTTP/1.1 {status} x\r\n" + ("" if status == 304 else f"content-length: {len(body)}\r\n") + "\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parent's name
        """Keep quiet."""


class Script(ThreadingHTTPServer):
    """Good first, then the case's answer, then nothing any more."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path) -> None:
        self.asked: Counter[str] = Counter()
        self.is_over = Event()
        super().__init__(("127.0.0.1", 0), Poll)
        self.socket.close()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(path))
        self.socket.listen(64)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Envoy hangs up in the end."""


@pytest.fixture(scope="module")
def envoy(envoy_bin: str) -> Generator[Envoy]:
    """An Envoy that has had every answer and asks for the next."""
    with short_directory() as directory:
        script = Script(directory / "agent.sock")
        thread = Thread(target=script.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        with running_envoy(envoy_bin, directory, list(CASES)) as running:
            eventually(lambda: all(script.asked[name] > 2 for name in CASES))
            yield running
        script.is_over.set()
        script.shutdown()
        thread.join()
        script.server_close()


@pytest.mark.parametrize("name", CASES)
def test_b03_envoy_does_what_the_agent_relies_on(envoy: Envoy, name: str) -> None:
    _, counter, left = CASES[name]
    assert envoy.endpoints(name) == {f"127.0.0.1:{port}" for port in left}
    assert envoy.stat(f"cluster.{name}.{counter}") >= 1
    rejected = 1 if counter == "update_rejected" else 0
    assert envoy.stat(f"cluster.{name}.update_rejected") == rejected


def test_b04_an_emptied_cluster_answers_at_once(envoy: Envoy) -> None:
    status, body = envoy.get("no-endpoints")
    assert (status, b"no healthy upstream" in body) == (503, True)


def test_b16_nothing_is_deprecated(envoy: Envoy) -> None:
    """B16: a warning of deprecation is a failure."""
    assert "eprecated" not in envoy.output()
