"""The agent's server: what it refuses, whom it outlasts, and what it leaves behind."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from outrider_agent import settings
from outrider_agent.server import LEAST_ROOM
from outrider_harness.agents import Agent, running_agent
from outrider_harness.asking import fetched
from outrider_harness.scripted_consul import FakeConsul, entry
from outrider_harness.waiting import eventually

WEB = entry("10.0.0.1", 80)
DISCOVERY = "/v3/discovery:endpoints"


def connected(agent: Agent) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(agent.address.removeprefix("unix:"))
    client.settimeout(15)
    return client


def answer_to(agent: Agent, data: bytes) -> bytes:
    """All that comes back until the agent closes."""
    with connected(agent) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        pieces: list[bytes] = []
        while piece := client.recv(65536):
            pieces.append(piece)
        return b"".join(pieces)


def poll(version: str = "", label: str = "web", *, first: str = "") -> bytes:
    document = {**({"version_info": version} if version else {}), "node": {"id": "n"}, "resource_names": [label]}
    return first.encode() + json.dumps(document, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /nowhere HTTP/1.1\r\nconnection: close\r\n\r\n", b"404"),
        (b"DELETE /health HTTP/1.1\r\nconnection: close\r\n\r\n", b"404"),
        (b"\x16\x03\x01\r\n\r\n", b"400"),
        (b"POST /v3/discovery:endpoints HTTP/1.1\r\ncontent-length: 9999999\r\n\r\n", b"413"),
        (b"POST /v3/discovery:endpoints HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", b"411"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 2800, b"431"),
        (b"POST /v3/discovery:endpoints HTTP/1.1\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}", b"400"),
    ],
)
def test_what_cannot_be_served_is_refused(directory: Path, fake: FakeConsul, request_: bytes, status: bytes) -> None:
    with running_agent(directory, fake.address, "web") as agent:
        assert answer_to(agent, request_).startswith(b"HTTP/1.1 " + status)
        assert fetched(agent.address, "/metrics")[0] == 200


def test_a_poll_in_an_unusual_form_is_understood_at_the_second_try(directory: Path, fake: FakeConsul) -> None:
    """Its ends do not show it, so the next body on that connection is read whole."""
    fake.put("web", WEB)
    body = json.dumps({"type_url": "x", "resource_names": ["web"], "node": {"pad": "x" * 9000}}).encode()
    request = b"POST %s HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (DISCOVERY.encode(), len(body)) + body
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: agent.upstream("web").get("endpoints"))
        with connected(agent) as client:
            client.sendall(request)
            assert client.recv(65536).startswith(b"HTTP/1.1 503")
            client.sendall(request)
            assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_slow_and_idle_clients_do_not_keep_envoy_out(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", WEB)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: agent.upstream("web").get("endpoints"))
        clients = [connected(agent) for _ in range(LEAST_ROOM + 50)]
        try:
            # The newest: the oldest were sent away when the agent had enough of them.
            for client in clients[-20:]:
                client.sendall(b"POST /v3/disc")
            status, body = fetched(agent.address, DISCOVERY, "POST", poll())
            assert (status, b"10.0.0.1" in body) == (200, True)
            assert agent.metric("outrider_agent_connections ") <= LEAST_ROOM
        finally:
            for client in clients:
                client.close()


def test_a_request_that_does_not_arrive_ends_its_connection(directory: Path, fake: FakeConsul) -> None:
    with running_agent(directory, fake.address, "web") as agent, connected(agent) as client:
        client.sendall(b"POST /v3/disc")
        assert client.recv(100) == b""


def test_a_client_that_sends_on_before_its_answer_is_let_go(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", WEB)
    with running_agent(directory, fake.address, "web") as agent:
        version = eventually(lambda: agent.upstream("web").get("version"))
        body = poll(str(version))
        held = b"POST %s HTTP/1.1\r\nx-envoy-expected-rq-timeout-ms: 60000\r\ncontent-length: %d\r\n\r\n"
        with connected(agent) as client:
            client.sendall(held % (DISCOVERY.encode(), len(body)) + body)
            eventually(lambda: agent.metric("outrider_agent_polls_held ") == 1)
            client.sendall(b"more")
            assert client.recv(100) == b""
        eventually(lambda: agent.metric("outrider_agent_polls_held ") == 0)


def test_only_the_owner_may_open_the_socket(directory: Path, fake: FakeConsul) -> None:
    with running_agent(directory, fake.address, "web"):
        assert stat.S_IMODE((directory / "agent.sock").stat().st_mode) == 0o600


def test_what_a_crashed_predecessor_left_is_replaced(directory: Path, fake: FakeConsul) -> None:
    with running_agent(directory, fake.address, "web") as agent:
        agent.end(at_once=True)
        assert (directory / "agent.sock").exists()
    with running_agent(directory, fake.address, "web") as agent:
        assert agent.listens()


def test_a_second_agent_at_the_same_socket_is_refused(directory: Path, fake: FakeConsul) -> None:
    """Two agents would make Envoy flap between two lists (envoyproxy/envoy#8718)."""
    with running_agent(directory, fake.address, "web") as agent:
        command = [sys.executable, "-I", "-S", str(directory / "outrider-agent.pyz")]
        second = subprocess.run(command, env=agent.variables, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 1
        assert "another process listens there" in second.stderr
        assert agent.listens()


def test_a_port_on_loopback_serves_as_well_and_a_busy_one_is_named(directory: Path, fake: FakeConsul) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        command = [sys.executable, "-I", "-S", str(archive(directory, fake))]
        variables = {settings.LISTEN: f"127.0.0.1:{port}"}
        refused = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=20, check=False)
    assert (refused.returncode, f"cannot listen on 127.0.0.1:{port}" in refused.stderr) == (1, True)
    with subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL) as agent:
        eventually(lambda: fetched(f"127.0.0.1:{port}", "/health")[0] == 200)
        agent.terminate()
        assert agent.wait(10) == 0


def archive(directory: Path, fake: FakeConsul) -> Path:
    """The zipapp, written by an agent that has ended already."""
    with running_agent(directory, fake.address, ""):
        return directory / "outrider-agent.pyz"
