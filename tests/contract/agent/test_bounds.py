"""Bounds that fit the promise: many upstreams, many instances, many clients, few descriptors, and answers that stand still."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import psutil
import pytest
from outrider_agent import settings
from outrider_harness.agents import Agent, listening, running_agent
from outrider_harness.asking import fetched
from outrider_harness.consuls import deregister, register, running_consul
from outrider_harness.envoys import running_envoy
from outrider_harness.scripted_consul import Entry, FakeConsul, Request, entry
from outrider_harness.usage import first_thread_s
from outrider_harness.waiting import eventually

WEB = entry("10.0.0.1", 80)
DISCOVERY = "/v3/discovery:endpoints"


def held(agent: Agent) -> float:
    return agent.metric("outrider_agent_polls_held ")


def count(agent: Agent, label: str = "web") -> float:
    return agent.metric(f'outrider_agent_upstream_endpoints{{upstream="{label}",health="HEALTHY"}}')


def large(number: int, version: str = "0123456789ab") -> Entry:
    """About as much as Nomad and Consul write for an instance of ours."""
    meta = {"outrider_version": version, "outrider_team": "storefront", "canary": "false", "pad": "x" * 1_400}
    return entry(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 20_000, Meta=meta, Tags=["outrider"])


@pytest.mark.parametrize("number", [120, 260, 500])
def test_the_gate_opens_with_many_upstreams_and_a_change_of_each_arrives(
    directory: Path, fake: FakeConsul, envoy_bin: str, number: int
) -> None:
    """With 260 upstreams held polls used up all the room, and the gate never opened."""
    names = [f"upstream-{one:03}" for one in range(number)]
    for name in names:
        fake.put(name, WEB)
    with (
        running_agent(directory, fake.address, ",".join(names)) as agent,
        running_envoy(envoy_bin, directory, names) as envoy,
    ):
        eventually(lambda: held(agent) == number, patience=60)
        gate = gate_of(agent, directory)
        assert gate.process.wait(30) == 0, gate.output()
        fake.put(names[-1], WEB, entry("10.0.0.2", 80))
        eventually(lambda: len(envoy.endpoints(names[-1])) == 2, patience=30)
        assert fetched(agent.address, "/metrics")[0] == 200


class Gate(Agent):
    """The same archive with the verb ``gate``."""

    def program(self, archive: Path) -> list[str]:
        return [*super().program(archive), "gate", "20"]


def gate_of(agent: Agent, directory: Path) -> Gate:
    upstreams = agent.variables[settings.UPSTREAMS]
    return Gate(directory, agent.variables[settings.CONSUL_ADDRESS], upstreams, {}, sys.executable)


@pytest.mark.needs("consul")
def test_an_agent_with_two_hundred_upstreams_does_not_lock_consul_for_its_neighbours(
    directory: Path, consul_bin: str
) -> None:
    """Consul allows 200 connections of one address, as stock, and an agent cannot know who else needs them."""
    names = ",".join(f"upstream-{one:03}" for one in range(250))
    with running_consul(consul_bin, directory) as consul, running_agent(directory, consul, names) as agent:
        for port in range(1, 31):
            register(consul, "upstream-249", port)
        eventually(lambda: count(agent, "upstream-249") == 30, patience=30)
        deregister(consul, "upstream-249", 30)
        eventually(lambda: count(agent, "upstream-249") == 29, patience=30)
        assert "Consul refuses" not in agent.output()
        assert consuls_connections(consul) <= settings.DEFAULT_CONNECTIONS + 2


def consuls_connections(consul: str) -> int:
    """Established ones, as the kernel counts them at the server's end."""
    port = int(consul.rpartition(":")[2])
    open_ones = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED]
    return sum(1 for one in open_ones if one.laddr and one.laddr.port == port)


def test_the_cap_is_the_platforms(directory: Path, fake: FakeConsul) -> None:
    names = [f"upstream-{one}" for one in range(8)]
    for name in names:
        fake.put(name, WEB)
    with running_agent(directory, fake.address, ",".join(names), {settings.CONNECTIONS: "2"}) as agent:
        eventually(lambda: all(count(agent, name) == 1 for name in names))
        fake.put(names[5], WEB, entry("10.0.0.2", 80))
        eventually(lambda: count(agent, names[5]) == 2)
        assert agent.metric("outrider_agent_connection_limit ") == 2


def test_a_caller_of_five_thousand_instances_starts_and_follows_within_its_memory(
    directory: Path, fake: FakeConsul
) -> None:
    """Their list is 8 MB, where all answers together could take 4."""
    instances = [large(number) for number in range(5_000)]
    assert len(json.dumps(instances)) > 8_000_000
    fake.put("web", *instances)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: count(agent) == 5_000)
        fake.put("web", *instances[1:])
        eventually(lambda: count(agent) == 4_999)
        fake.put("web", *(large(number, "another") for number in range(5_000)))
        eventually(lambda: count(agent) == 5_000)
        assert written_mb(agent) < 24


def written_mb(agent: Agent) -> float:
    """Private memory at most so far: the peak, without the pages of the interpreter that all agents share."""
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{agent.pid}/status").read_text().splitlines())
    return (int(rows["VmHWM"].split()[0]) - int(rows["RssFile"].split()[0])) / 1_024


def test_more_instances_than_the_memory_takes_are_refused_with_what_to_raise_and_taken_once_it_is(
    directory: Path, fake: FakeConsul
) -> None:
    fake.put("web", *(large(number) for number in range(10_000)))
    fake.put("other", WEB)
    with running_agent(directory, fake.address, "web,other") as agent:
        eventually(lambda: "sidecar.memory.agent" in agent.upstream("web").get("reason", ""))
        eventually(lambda: count(agent, "other") == 1)
        assert written_mb(agent) < 24
        agent.end(at_once=True)
    with running_agent(directory, fake.address, "web,other", {settings.MEMORY: "40"}) as agent:
        eventually(lambda: count(agent) == 10_000)
        assert written_mb(agent) < 40


def standing(share: float, ended: list[float]) -> Callable[[Request], None]:
    """An answer that begins, and stands still after this share of it; it notes when the agent hangs up."""

    def fault(request: Request) -> None:
        body = json.dumps([large(number) for number in range(4_000)]).encode()
        head = b"HTTP/1.1 200 OK\r\nX-Consul-Index: 9\r\nX-Consul-Knownleader: true\r\nContent-Length: %d\r\n\r\n"
        request.raw(head % len(body) + body[: int(len(body) * share)])
        begin = time.monotonic()
        with contextlib.suppress(OSError):
            request.connection.settimeout(60)
            request.connection.recv(1)
        ended.append(time.monotonic() - begin)
        request.close_connection = True

    return fault


def test_an_answer_that_has_begun_and_stands_still_ends_and_keeps_no_room(directory: Path, fake: FakeConsul) -> None:
    """It kept the room of others for 73 s."""
    ended: list[float] = []
    for name in ("a", "b", "web"):
        fake.put(name, *(large(number) for number in range(3_000 if name == "web" else 1)))
    fake.always(standing(0.9, ended), "/health/service/a")
    with running_agent(directory, fake.address, "a,b,web") as agent:
        eventually(lambda: count(agent) == 3_000)
        assert count(agent, "b") == 1
        eventually(lambda: ended)
        assert ended[0] < 30
        fake.always(None, "/health/service/a")
        eventually(lambda: count(agent, "a") == 1)


def test_a_client_that_opens_many_polls_for_one_name_keeps_nobody_out(directory: Path, fake: FakeConsul) -> None:
    for name in ("web", "api"):
        fake.put(name, WEB)
    with running_agent(directory, fake.address, "web,api") as agent:
        version = str(eventually(lambda: agent.upstream("web").get("version")))
        clients = [polling(agent, version) for _ in range(300)]
        try:
            eventually(lambda: held(agent) == 1)
            status, body = fetched(agent.address, DISCOVERY, "POST", question("", "api"))
            assert (status, b"10.0.0.1" in body) == (200, True)
            fake.put("web", WEB, entry("10.0.0.2", 80))
            assert b"10.0.0.2" in clients[-1].recv(65_536)
        finally:
            for client in clients:
                client.close()


def question(version: str, label: str) -> bytes:
    document = {**({"version_info": version} if version else {}), "node": {"id": "n"}, "resource_names": [label]}
    return json.dumps(document, separators=(",", ":")).encode()


def polling(agent: Agent, version: str) -> socket.socket:
    """A client that waits for a change."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(agent.address.removeprefix("unix:"))
    client.settimeout(15)
    body = question(version, "web")
    head = b"POST %s HTTP/1.1\r\nx-envoy-expected-rq-timeout-ms: 60000\r\ncontent-length: %d\r\n\r\n"
    client.sendall(head % (DISCOVERY.encode(), len(body)) + body)
    return client


def test_a_reader_that_takes_nothing_of_a_large_answer_is_let_go(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", *(large(number) for number in range(3_000)))
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: count(agent) == 3_000)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(agent.address.removeprefix("unix:"))
            client.sendall(b"GET /endpoints HTTP/1.1\r\n\r\n")
            before = agent.metric("outrider_agent_connections ")
            eventually(lambda: agent.metric("outrider_agent_connections ") < before)


@contextlib.contextmanager
def few_descriptors(number: int) -> Generator[None]:
    """Processes that start here may have so many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_agent_without_descriptors_is_no_hot_loop_and_serves_again_when_there_are_some(
    directory: Path, fake: FakeConsul
) -> None:
    """Every waiting client made the listener ready again, and accepting failed again, for ever."""
    fake.put("web", WEB)
    with few_descriptors(128):
        agent = Agent(directory, fake.address, "web", {}, sys.executable)
    with listening(agent):
        eventually(lambda: count(agent) == 1)
        resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (open_ones(agent) + 1, 128))
        clients = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(40)]
        try:
            version = question("x", "nobody")
            for number, client in enumerate(clients):
                client.setblocking(False)
                client.connect(agent.address.removeprefix("unix:"))
                body = version.replace(b"nobody", b"nobody-%d" % number)
                client.sendall(
                    b"POST %s HTTP/1.1\r\nx-envoy-expected-rq-timeout-ms: 60000\r\ncontent-length: %d\r\n\r\n"
                    % (DISCOVERY.encode(), len(body))
                    + body
                )
            time.sleep(0.5)
            before, begin = first_thread_s(agent.pid), time.monotonic()
            time.sleep(3)
            assert first_thread_s(agent.pid) - before < 0.3 * (time.monotonic() - begin)
        finally:
            for client in clients:
                client.close()
        resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (128, 128))
        eventually(lambda: fetched(agent.address, "/health")[0] == 200)
        fake.put("web", WEB, entry("10.0.0.2", 80))
        eventually(lambda: count(agent) == 2)


def open_ones(agent: Agent) -> int:
    return psutil.Process(agent.pid).num_fds()
