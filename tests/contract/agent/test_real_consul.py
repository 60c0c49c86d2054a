"""The whole chain with a real Consul and a real Envoy."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from outrider_agent import settings
from outrider_harness.agents import Agent, running_agent
from outrider_harness.asking import fetched
from outrider_harness.consuls import consul_process, deregister, register, running_consul
from outrider_harness.envoys import running_envoy
from outrider_harness.ports import free_ports
from outrider_harness.waiting import eventually
from support.steady_load import steady_load

pytestmark = pytest.mark.needs("consul")


def test_a_registration_is_in_force_and_gone_as_consul_says(
    directory: Path, backends: list[int], consul_bin: str, envoy_bin: str
) -> None:
    first, second, _ = backends
    with (
        running_consul(consul_bin, directory) as consul,
        running_agent(directory, consul, "web") as agent,
        running_envoy(envoy_bin, directory, ["web"]) as envoy,
    ):
        register(consul, "web", first)
        eventually(lambda: envoy.get("web") == (200, str(first).encode()))
        register(consul, "web", second, Weights={"Passing": 3, "Warning": 1}, Meta={"canary": "true"})
        eventually(lambda: envoy.endpoints("web") == {f"127.0.0.1:{first}", f"127.0.0.1:{second}"})
        added = next(one for one in agent.upstream("web")["endpoints"] if one["port"] == second)
        assert (added["weight"], added["canary"]) == (3, True)
        deregister(consul, "web", first)
        eventually(lambda: envoy.endpoints("web") == {f"127.0.0.1:{second}"})


def test_a_critical_instance_leaves_and_a_warning_one_is_degraded(
    directory: Path, consul_bin: str, envoy_bin: str
) -> None:
    with (
        running_consul(consul_bin, directory) as consul,
        running_agent(directory, consul, "web") as agent,
        running_envoy(envoy_bin, directory, ["web"]) as envoy,
    ):
        for port in (1, 2, 3):
            check = {"CheckID": f"ttl-{port}", "TTL": "1h", "Status": "passing"}
            register(consul, "web", port, Check=check)
        eventually(lambda: len(envoy.endpoints("web")) == 3)
        fetched(consul, "/v1/agent/check/fail/ttl-1", "PUT")
        eventually(lambda: envoy.endpoints("web") == {"127.0.0.1:2", "127.0.0.1:3"})
        fetched(consul, "/v1/agent/check/warn/ttl-2", "PUT")
        eventually(lambda: [one["health"] for one in agent.upstream("web")["endpoints"]] == ["DEGRADED", "HEALTHY"])


def test_a10_a_consul_that_is_killed_loses_no_request_and_is_followed_again_after_its_restart(
    directory: Path, backends: list[int], consul_bin: str, envoy_bin: str
) -> None:
    """With SIGKILL. A development Consul forgets everything, so the new one starts with a lower index, too (A01)."""
    first, second, _ = backends
    (port,) = free_ports(1)
    with consul_process(consul_bin, directory, port) as consul:
        register(consul.address, "web", first)
        with (
            running_agent(directory, consul.address, "web") as agent,
            running_envoy(envoy_bin, directory, ["web"]) as envoy,
        ):
            eventually(lambda: envoy.get("web")[0] == 200)
            with steady_load(envoy.egress["web"]) as account:
                consul.end(at_once=True)
                assert consul.process.returncode == -signal.SIGKILL
                eventually(lambda: agent.upstream("web")["state"] == "failing")
                assert registered(agent) == {first}
                with running_consul(consul_bin, directory, port) as revived:
                    register(revived, "web", first)
                    register(revived, "web", second)
                    eventually(lambda: len(envoy.endpoints("web")) == 2, patience=40)
                    eventually(lambda: agent.upstream("web")["state"] == "current")
            assert account.failed == {}


def registered(agent: Agent) -> set[int]:
    return {one["port"] for one in agent.upstream("web")["endpoints"]}


def test_the_own_registration_decides_what_callers_outside_are_told(
    directory: Path, consul_bin: str, envoy_bin: str
) -> None:
    with running_consul(consul_bin, directory) as consul:
        register(consul, "me", 1)
        register(consul, "other", 2)
        with (
            running_agent(directory, consul, "", {settings.SERVICE_ID: "me-1"}) as agent,
            running_envoy(envoy_bin, directory, []) as envoy,
        ):
            eventually(lambda: "told Envoy /healthcheck/ok" in agent.output())
            deregister(consul, "me", 1)
            eventually(lambda: fetched(envoy.admin, "/ready")[1] == b"DRAINING\n")
            register(consul, "me", 1)
            eventually(lambda: fetched(envoy.admin, "/ready")[1] == b"LIVE\n")


def test_a15_upstreams_take_turns_where_consul_allows_fewer_connections(directory: Path, consul_bin: str) -> None:
    limit = json.dumps({"limits": {"http_max_conns_per_client": 2}})
    with running_consul(consul_bin, directory, hcl=limit) as consul:
        register(consul, "web", 1)
        with running_agent(directory, consul, "web,a,b,c") as agent:
            eventually(lambda: {one["state"] for one in agent.document()["upstreams"].values()} == {"current"})
            assert agent.metric("outrider_agent_connection_limit ") < 4
            assert "take turns" in agent.output()
            # Whoever else asks may be refused, too, while Consul still counts a connection that the agent has closed.
            body = json.dumps({"ID": "c-2", "Name": "c", "Address": "127.0.0.1", "Port": 2}).encode()
            eventually(lambda: fetched(consul, "/v1/agent/service/register", "PUT", body)[0] == 200)
            eventually(lambda: agent.upstream("c")["endpoints"], patience=5)
