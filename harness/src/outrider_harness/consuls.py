"""Real Consuls, alone or with a node's name, and the registrations made at them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

from outrider_harness.asking import fetched
from outrider_harness.ports import free_ports
from outrider_harness.programs import Program
from outrider_harness.waiting import eventually

CACHED_CONSUL = Path(__file__).resolve().parents[3] / ".cache" / "consul" / "root" / "usr" / "bin" / "consul"


def consul_binary() -> str | None:
    """The real Consul to measure against: CONSUL_BIN, PATH, or what .ci/consul fetched; None where there is none."""
    named = os.environ.get("CONSUL_BIN") or shutil.which("consul")
    return named or (str(CACHED_CONSUL) if CACHED_CONSUL.exists() else None)


NODE = "node-1"
DEVELOPMENT = ("-dev",)  # nothing on disk, and answers indented for people


def alone(directory: Path) -> tuple[str, ...]:
    """A server as in production, with a data directory, and the only one of its cluster."""
    return ("-server", "-bootstrap-expect", "1", "-data-dir", str(directory / "consul"))


class Consul(Program):
    """A real Consul; ``address`` is its HTTP API."""

    def __init__(self, binary: str, directory: Path, port: int, hcl: str, mode: tuple[str, ...]) -> None:
        any_port, *others = free_ports(4)
        self.address = f"127.0.0.1:{port or any_port}"
        names = ("-server-port", "-serf-lan-port", "-serf-wan-port")
        ports = [text for name, one in zip(names, others, strict=True) for text in (name, str(one))]
        quiet = [*("-dns-port", "-1", "-grpc-port", "-1", "-log-level", "warn"), "-hcl", "disable_update_check = true"]
        agent = ["agent", *mode, "-bind", "127.0.0.1", "-client", "127.0.0.1", "-node", NODE]
        arguments = [binary, *agent, "-http-port", str(port or any_port), *ports, *quiet, "-hcl", hcl]
        super().__init__(arguments, directory / "consul.log", {"PATH": "/usr/bin:/bin"}, directory)

    def leads(self) -> bool:
        has_leader = b":" in fetched(self.address, "/v1/status/leader")[1]
        return has_leader and fetched(self.address, "/v1/catalog/nodes")[0] == 200


@contextlib.contextmanager
def consul_process(
    binary: str, directory: Path, port: int = 0, hcl: str = "{}", mode: tuple[str, ...] = DEVELOPMENT
) -> Generator[Consul]:
    """A real Consul on this or any port, with more of its configuration, as soon as it has a leader."""
    consul = Consul(binary, directory, port, hcl, mode)
    try:
        eventually(consul.leads)
        yield consul
    finally:
        consul.end(at_once=True)


@contextlib.contextmanager
def running_consul(
    binary: str, directory: Path, port: int = 0, hcl: str = "{}", mode: tuple[str, ...] = DEVELOPMENT
) -> Generator[str]:
    """The HTTP address of such a Consul."""
    with consul_process(binary, directory, port, hcl, mode) as consul:
        yield consul.address


def register(consul: str, name: str, port: int, **more: Any) -> None:
    """An instance of ``name`` on loopback; further keywords are fields of the registration."""
    body = {"ID": f"{name}-{port}", "Name": name, "Address": "127.0.0.1", "Port": port, **more}
    status, words = fetched(consul, "/v1/agent/service/register", "PUT", json.dumps(body).encode())
    assert status == 200, words


def deregister(consul: str, name: str, port: int) -> None:
    status, words = fetched(consul, f"/v1/agent/service/deregister/{name}-{port}", "PUT")
    assert status == 200, words
