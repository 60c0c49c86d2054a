"""A real Consul server and a client agent beside it, which loses its data; and names that differ in case only."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from outrider_harness.agents import running_agent
from outrider_harness.asking import fetched
from outrider_harness.consuls import register, running_consul
from outrider_harness.envoys import Envoy, running_envoy
from outrider_harness.ports import free_ports
from outrider_harness.programs import Program
from outrider_harness.waiting import eventually
from support.steady_load import steady_load

pytestmark = pytest.mark.needs("consul")

JOINED = 60.0  # seconds
NOMAD_LOOKS = 12.0  # seconds until services are registered anew; a Nomad client looks every 30


class Consul(Program):
    """A Consul agent with its data on disk; ``address`` is its HTTP API."""

    def __init__(self, binary: str, directory: Path, name: str, ports: list[int], *more: str) -> None:
        http, server, self.lan, wan = ports
        self.address = f"127.0.0.1:{http}"
        self.data = directory / name
        numbers = ["-http-port", http, "-server-port", server, "-serf-lan-port", self.lan, "-serf-wan-port", wan]
        arguments = [binary, "agent", "-bind", "127.0.0.1", "-node", name, "-data-dir", str(self.data)]
        arguments += ["-dns-port", "-1", "-grpc-port", "-1", *map(str, numbers), "-log-level", "warn"]
        arguments += ["-hcl", json.dumps({"disable_update_check": True}), *more]
        super().__init__(arguments, directory / f"{name}.log", {"PATH": "/usr/bin:/bin"}, directory)

    def knows_its_leader(self) -> bool:
        return b":" in fetched(self.address, "/v1/status/leader")[1]


@contextlib.contextmanager
def server_of_one(binary: str, directory: Path) -> Generator[Consul]:
    server = Consul(binary, directory, "server", free_ports(4), "-server", "-bootstrap-expect", "1")
    try:
        eventually(server.knows_its_leader, patience=JOINED)
        yield server
    finally:
        server.end(at_once=True)


@contextlib.contextmanager
def client(binary: str, directory: Path, server: Consul, ports: list[int]) -> Generator[Consul]:
    found = Consul(
        binary, directory, "client", ports, "-retry-join", f"127.0.0.1:{server.lan}", "-retry-interval", "1s"
    )
    try:
        eventually(found.knows_its_leader, patience=JOINED)
        eventually(lambda: b'"client"' in fetched(server.address, "/v1/catalog/nodes")[1], patience=JOINED)
        yield found
    finally:
        found.end(at_once=True)


def has(envoy: Envoy, ports: list[int]) -> bool:
    return envoy.endpoints("web") == {f"127.0.0.1:{port}" for port in ports}


def test_a_client_that_comes_back_without_its_data_costs_no_request(
    directory: Path, backends: list[int], consul_bin: str, envoy_bin: str
) -> None:
    """It keeps its node id: Consul deregisters one service after the other, with rising indexes and a leader."""
    numbers = free_ports(4)
    with server_of_one(consul_bin, directory) as server:
        register(server.address, "other", 1)
        with (
            running_agent(directory, server.address, "web") as agent,
            running_envoy(envoy_bin, directory, ["web"]) as envoy,
        ):
            with client(consul_bin, directory, server, numbers) as first:
                for port in backends:
                    register(first.address, "web", port)
                eventually(lambda: has(envoy, backends), patience=JOINED)
            identity = (first.data / "node-id").read_text()
            shutil.rmtree(first.data)
            first.data.mkdir()
            (first.data / "node-id").write_text(identity)
            with steady_load(envoy.egress["web"]) as account, client(consul_bin, directory, server, numbers) as second:
                eventually(lambda: agent.upstream("web")["state"] == "holding", patience=JOINED)
                eventually(lambda: has(envoy, backends), patience=2)
                time.sleep(NOMAD_LOOKS)
                assert has(envoy, backends)
                for port in backends:
                    register(second.address, "web", port)
                eventually(lambda: agent.upstream("web")["state"] == "current")
                eventually(lambda: has(envoy, backends), patience=2)
            assert account.failed == {}


def test_consul_ignores_the_case_of_names_and_the_agent_does_not(
    directory: Path, backends: list[int], consul_bin: str, envoy_bin: str
) -> None:
    own, others, _ = backends
    with (
        running_consul(consul_bin, directory) as consul,
        running_agent(directory, consul, "web") as agent,
        running_envoy(envoy_bin, directory, ["web"]) as envoy,
    ):
        register(consul, "web", own)
        register(consul, "Web", others)
        eventually(lambda: envoy.get("web")[0] == 200)
        assert len(json.loads(fetched(consul, "/v1/health/service/web")[1])) == 2, "Consul lists both under one name"
        eventually(lambda: "are of 'Web'" in agent.upstream("web")["reason"])
        assert has(envoy, [own])
