"""A sidecar with 120 upstreams, in the product's own bootstrap and with its own agent: memory that fits, or a reason."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from outrider_agent import settings
from outrider_harness.agents import Agent
from outrider_harness.asking import fetched
from outrider_harness.programs import short_directory
from outrider_harness.scripted_consul import FakeConsul, entry
from outrider_harness.sidecars import HERE, Sidecar, resolved, running_sidecar
from outrider_harness.waiting import eventually

from outrider.topology import names

UPSTREAMS = tuple(f"upstream-{number:03}" for number in range(120))
PAGES = ("/stats/prometheus", "/agent/metrics", "/agent/endpoints", "/health")
TOO_LITTLE = {"envoy": 64}
ACTIVE = "overload.envoy.overload_actions.stop_accepting_requests.active"


class Fine(BaseHTTPRequestHandler):
    """The app."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parent's name
        """Keep quiet."""


@contextlib.contextmanager
def running_app() -> Generator[int]:
    """Its port."""
    server = ThreadingHTTPServer((HERE, 0), Fine)
    server.daemon_threads = True
    server.block_on_close = False
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Gate(Agent):
    """The verb ``gate`` of the agent's archive."""

    def program(self, archive: Path) -> list[str]:
        return [*super().program(archive), "gate", "3"]


@contextlib.contextmanager
def with_many_upstreams(memory: dict[str, int]) -> Generator[tuple[Sidecar, Path, str]]:
    """The sidecar, its home, and the address of its Consul; the app, which answers ``fine``, is each upstream as well."""
    made = resolved(
        {"service": "checkout", "upstreams": {name: {} for name in UPSTREAMS}}, {"sidecar": {"memory": memory}}
    )
    with short_directory() as home, running_app() as app, FakeConsul().running() as consul:
        for name in UPSTREAMS:
            consul.put(name, entry(HERE, app))
        with running_sidecar(home, made, consul.address, app) as sidecar:
            yield sidecar, home, consul.address


def gates_verdict(home: Path, consul: str) -> tuple[int, str]:
    more = {settings.ENVOY_ADMIN: f"unix:{home}/alloc/{names.ADMIN_SOCKET}"}
    gate = Gate(home / "alloc", consul, ",".join(UPSTREAMS), more, sys.executable)
    return gate.process.wait(30), gate.output()


def test_the_memory_of_a_sidecar_grows_with_its_upstreams_where_operators_write_nothing() -> None:
    """In 64 MB an Envoy with 120 upstreams refused everything."""
    with with_many_upstreams({}) as (sidecar, home, consul):
        assert gates_verdict(home, consul)[0] == 0
        for port in (sidecar.ports["ingress"], sidecar.egress(UPSTREAMS[0]), sidecar.egress(UPSTREAMS[-1])):
            eventually(lambda port=port: fetched(f"{HERE}:{port}", "/") == (200, b"fine"))
        assert sidecar.stat(ACTIVE) == 0


def test_health_and_metrics_stay_open_while_an_envoy_without_memory_refuses_everything_else() -> None:
    with with_many_upstreams(TOO_LITTLE) as (sidecar, _, _):
        eventually(lambda: sidecar.stat(ACTIVE) == 1)
        eventually(lambda: fetched(f"{HERE}:{sidecar.ports['metrics']}", "/health")[0] == 200)
        for page in PAGES * 5:
            assert fetched(f"{HERE}:{sidecar.ports['metrics']}", page)[0] == 200, page
        for port in (sidecar.ports["ingress"], sidecar.egress(UPSTREAMS[0])):
            assert fetched(f"{HERE}:{port}", "/")[0] in (0, 503)


def test_the_gate_stays_shut_and_says_that_envoy_has_too_little_memory_for_its_upstreams() -> None:
    """Envoy says LIVE, and refuses every request."""
    with with_many_upstreams(TOO_LITTLE) as (sidecar, home, consul):
        eventually(lambda: sidecar.stat(ACTIVE) == 1)
        assert fetched(sidecar.admin, "/ready")[1].strip() == b"LIVE"
        code, said = gates_verdict(home, consul)
        assert code == 1
        assert "sidecar.memory.envoy" in said
