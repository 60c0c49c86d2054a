"""Agents and Consuls that die, stand still or forget, while requests keep coming at a constant rate."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from outrider_harness.agents import Agent, running_agent
from outrider_harness.consuls import register, running_consul
from outrider_harness.envoys import Document, Envoy, clusters_of, running_envoy
from outrider_harness.ports import free_ports
from outrider_harness.scripted_consul import Entry, FakeConsul, entry
from outrider_harness.waiting import eventually
from support.steady_load import steady_load


def here(port: int) -> Entry:
    return entry("127.0.0.1", port)


def impatient(document: Document) -> None:
    """Envoy waits for the agent's answer for a second only, not for a minute."""
    (web,) = clusters_of(document, ["web"])
    web["eds_cluster_config"]["eds_config"]["api_config_source"]["request_timeout"] = "1s"


def is_known(envoy: Envoy, *ports: int) -> bool:
    return envoy.endpoints("web") == {f"127.0.0.1:{port}" for port in ports}


def test_b01_an_agent_that_is_killed_and_started_again_loses_no_request(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    """Three times; tests/end_to_end/test_sidecar_failures.py holds that Nomad is who starts it again."""
    fake.put("web", *map(here, backends[:2]))
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: is_known(envoy, *backends[:2]))
        with steady_load(envoy.egress["web"]) as account:
            kill_and_be_missed(agent, envoy)
            for known in (backends, backends[1:]):
                fake.put("web", *map(here, known))
                with running_agent(directory, fake.address, "web") as another:
                    eventually(lambda known=known: is_known(envoy, *known))
                    kill_and_be_missed(another, envoy)
        assert account.failed == {}


def kill_and_be_missed(agent: Agent, envoy: Envoy) -> None:
    failures = envoy.stat("cluster.web.update_failure")
    agent.end(at_once=True)
    eventually(lambda: envoy.stat("cluster.web.update_failure") >= failures + 10)


def test_b02_an_agent_that_stands_still_costs_envoy_its_timeout_and_no_request(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    """With a ``request_timeout`` of 1 s instead of 60 s."""
    first, second, _ = backends
    fake.put("web", here(first))
    with (
        running_agent(directory, fake.address, "web") as agent,
        running_envoy(envoy_bin, directory, ["web"], impatient) as envoy,
    ):
        eventually(lambda: is_known(envoy, first))
        with steady_load(envoy.egress["web"]) as account:
            agent.process.send_signal(signal.SIGSTOP)
            fake.put("web", here(first), here(second))
            eventually(lambda: envoy.stat("cluster.discovery_agent.upstream_rq_timeout") >= 2)
            assert envoy.stat("cluster.web.update_failure") >= 2
            assert is_known(envoy, first)
            agent.process.send_signal(signal.SIGCONT)
            eventually(lambda: is_known(envoy, first, second))
        assert account.failed == {}


@pytest.mark.needs("consul")
@pytest.mark.parametrize("others", [[], [1]], ids=["alone", "others first"])
def test_a_consul_that_is_killed_and_comes_back_with_nothing_loses_no_request(
    directory: Path, backends: list[int], consul_bin: str, envoy_bin: str, others: list[int]
) -> None:
    """The service stays unknown for 11 s; that it may be 45 s, and ten minutes alone, is proven with a clock."""
    first, second, _ = backends
    (port,) = free_ports(1)
    with running_agent(directory, f"127.0.0.1:{port}", "web") as agent:
        with running_consul(consul_bin, directory, port) as consul:
            for number in range(20):
                register(consul, "other", 1, Meta={"number": str(number)})  # its index is higher than one from nothing
            register(consul, "web", first)
            eventually(lambda: agent.upstream("web").get("endpoints"))
        with running_envoy(envoy_bin, directory, ["web"]) as envoy:
            eventually(lambda: is_known(envoy, first))
            with steady_load(envoy.egress["web"]) as account, running_consul(consul_bin, directory, port) as consul:
                for number in others:
                    register(consul, "other", number)
                eventually(lambda: agent.upstream("web")["state"] == "holding", patience=40)
                time.sleep(11.0)
                assert is_known(envoy, first)
                register(consul, "web", first)
                register(consul, "web", second)
                eventually(lambda: is_known(envoy, first, second))
                assert agent.upstream("web")["state"] == "current"
            assert account.failed == {}
