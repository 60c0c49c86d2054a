"""What a real Consul does on its bad days: a leader that is killed, a hang, checks that all fail at once, an end of all."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from outrider_harness.agents import running_agent
from outrider_harness.asking import fetched
from outrider_harness.consuls import deregister, register, running_consul
from outrider_harness.envoys import Envoy, running_envoy
from outrider_harness.ports import free_ports
from outrider_harness.programs import Program
from outrider_harness.waiting import eventually
from support.hasty_agent import running_hasty_agent
from support.steady_load import steady_load

pytestmark = pytest.mark.needs("consul")

ELECTION = 60.0  # seconds


class Server(Program):
    """One of three Consul servers; ``address`` is its HTTP API."""

    def __init__(self, binary: str, directory: Path, name: str, ports: Sequence[int], join: Sequence[int]) -> None:
        http, rpc, self.lan, wan = ports
        self.address = f"127.0.0.1:{http}"
        self.rpc = f"127.0.0.1:{rpc}"
        numbers = ["-http-port", http, "-server-port", rpc, "-serf-lan-port", self.lan, "-serf-wan-port", wan]
        quick = {"performance": {"raft_multiplier": 1}, "disable_update_check": True}
        arguments = [binary, "agent", "-server", "-bootstrap-expect", "3", "-bind", "127.0.0.1", "-node", name]
        arguments += ["-data-dir", str(directory / name), "-dns-port", "-1", *map(str, numbers)]
        arguments += [word for port in join for word in ("-retry-join", f"127.0.0.1:{port}")]
        arguments += ["-retry-interval", "1s", "-hcl", json.dumps(quick), "-log-level", "warn"]
        super().__init__(arguments, directory / f"{name}.log", {"PATH": "/usr/bin:/bin"}, directory)

    @property
    def leader(self) -> str:
        """The RPC address of the leader as this server knows it, "" without one."""
        code, body = fetched(self.address, "/v1/status/leader")
        return json.loads(body) if code == 200 else ""


@contextlib.contextmanager
def cluster(binary: str, directory: Path) -> Generator[list[Server]]:
    ports = [free_ports(4) for _ in range(3)]
    servers: list[Server] = []
    try:
        for number, own in enumerate(ports):
            servers.append(Server(binary, directory, f"server-{number}", own, [each[2] for each in ports[:number]]))
        eventually(lambda: all(one.leader for one in servers), patience=ELECTION)
        eventually(lambda: fetched(servers[0].address, "/v1/catalog/nodes")[1].count(b'"ID"') == 3, patience=ELECTION)
        yield servers
    finally:
        for one in servers:
            one.end(at_once=True)


def statuses(envoy: Envoy, requests: int = 20) -> set[int]:
    return {envoy.get("web")[0] for _ in range(requests)}


def test_a10_a_leader_that_is_killed_costs_no_request_and_no_change(
    directory: Path, backends: list[int], consul_bin: str, envoy_bin: str
) -> None:
    first, second, _ = backends
    with cluster(consul_bin, directory) as servers:
        leader = next(one for one in servers if one.rpc == servers[0].leader)
        followers = [one for one in servers if one is not leader]
        asked = followers[0].address
        register(asked, "web", first)
        with running_agent(directory, asked, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
            eventually(lambda: envoy.get("web")[0] == 200)
            leader.end(at_once=True)
            seen: set[int] = set()
            eventually(
                lambda: (seen.update(statuses(envoy)), followers[0].leader not in ("", leader.rpc))[1],
                patience=ELECTION,
            )
            assert seen == {200}
            eventually(lambda: registered(asked, second))
            eventually(lambda: len(envoy.endpoints("web")) == 2, patience=ELECTION)
            assert statuses(envoy) == {200}
            eventually(lambda: agent.upstream("web")["state"] == "current")


def registered(consul: str, port: int) -> bool:
    """Right after an election a server may still refuse."""
    with contextlib.suppress(AssertionError):
        register(consul, "web", port)
        return True
    return False


def test_a11_a_consul_that_stands_still_costs_no_request_and_is_followed_when_it_goes_on(
    directory: Path, backends: list[int], consul_bin: str, envoy_bin: str
) -> None:
    """With a wait of 2 s and a margin of 1 s; that they are 55 s and 5 s is proven in tests/unit/agent/test_watch.py."""
    first, second, _ = backends
    with cluster(consul_bin, directory) as servers:
        asked = next(one for one in servers if one.rpc != servers[0].leader)
        register(asked.address, "web", first)
        with (
            running_hasty_agent(directory, asked.address, "web", wait=2.0, read_margin=1.0) as agent,
            running_envoy(envoy_bin, directory, ["web"]) as envoy,
        ):
            eventually(lambda: envoy.get("web")[0] == 200)
            with steady_load(envoy.egress["web"]) as account:
                asked.process.send_signal(signal.SIGSTOP)
                eventually(lambda: agent.metric('outrider_agent_failures_total{upstream="web"}') >= 2)
                assert agent.upstream("web")["reason"] == "no answer in time"
                asked.process.send_signal(signal.SIGCONT)
                eventually(lambda: registered(asked.address, second), patience=ELECTION)
                eventually(lambda: len(envoy.endpoints("web")) == 2, patience=ELECTION)
            assert account.failed == {}


def test_a16_checks_that_all_turn_critical_for_a_while_take_nothing_away(
    directory: Path, backends: list[int], consul_bin: str, envoy_bin: str
) -> None:
    """As a restarting Consul client reports them (hashicorp/consul#2323)."""
    with (
        running_consul(consul_bin, directory) as consul,
        running_agent(directory, consul, "web") as agent,
        running_envoy(envoy_bin, directory, ["web"]) as envoy,
    ):
        for port in backends:
            register(consul, "web", port, Check={"CheckID": f"ttl-{port}", "TTL": "1h", "Status": "passing"})
        eventually(lambda: len(envoy.endpoints("web")) == 3)
        for port in backends:
            fetched(consul, f"/v1/agent/check/fail/ttl-{port}", "PUT")
        eventually(lambda: {one["health"] for one in agent.upstream("web")["endpoints"]} == {"DEGRADED"})
        assert statuses(envoy, 60) == {200}
        for port in backends:
            fetched(consul, f"/v1/agent/check/pass/ttl-{port}", "PUT")
        eventually(lambda: {one["health"] for one in agent.upstream("web")["endpoints"]} == {"HEALTHY"})
        assert len(envoy.endpoints("web")) == 3


def test_a09_a_real_end_of_all_instances_is_believed_after_the_hold_down(
    directory: Path, backends: list[int], consul_bin: str, envoy_bin: str
) -> None:
    """With a hold-down of 3 s instead of 45."""
    with (
        running_consul(consul_bin, directory) as consul,
        running_hasty_agent(directory, consul, "web", empty_hold=3.0) as agent,
        running_envoy(envoy_bin, directory, ["web"]) as envoy,
    ):
        register(consul, "web", backends[0])
        register(consul, "other", backends[1])
        eventually(lambda: envoy.get("web")[0] == 200)
        deregister(consul, "web", backends[0])
        eventually(lambda: agent.upstream("web")["state"] == "holding")
        assert statuses(envoy) == {200}
        eventually(lambda: envoy.get("web")[0] == 503, patience=40)
        assert envoy.get("web")[1] == b"no healthy upstream"
        assert agent.output().count("web: holding") == 1
