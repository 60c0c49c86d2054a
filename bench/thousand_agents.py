"""1,000 agents with 12 upstreams each on one machine, and one change in an upstream that all of them have.

12,000 polls are held at the agents as their Envoys would hold them, and 12,000 blocking queries at the registry: a real
Consul where one is found, and the embedded registry. What is timed is the change → every poll answered.
Usage: ``thousand_agents.py [AGENTS]``.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from agent_memory import META, memory
from outrider_harness.agents import Agent
from outrider_harness.consuls import alone, consul_binary, deregister, register, running_consul
from outrider_harness.fleet import Envoys, allow_descriptors, running_fleet
from outrider_harness.programs import Program, short_directory
from outrider_harness.usage import processor_s
from outrider_harness.waiting import eventually
from report import Figure, report

AGENTS = 1000
UPSTREAMS = 12
ENDPOINTS = 10
COMMON = "common"
GROUPS = 10  # of agents with the same other upstreams
LIMIT_S = 1.0
LIMIT_MB = 6.0
ROUNDS = 10
SETTLE = 5.0  # seconds of quiet before a change
IDLE = 20.0  # seconds over which the load of doing nothing is read
PATIENCE = 60.0
FILLED = 300.0  # seconds in which every agent has heard of all its upstreams
MORE_CONNECTIONS = 1000  # beside the queries: Consul allows one address 200 unless told otherwise


@dataclass(frozen=True)
class Registry:
    name: str
    address: str
    pid: int


@dataclass(frozen=True)
class Measured:
    """Seconds of each round, MB of each agent, and what the registry took."""

    times: list[float]
    from_acknowledgement: list[float]
    private: list[float]
    registry_cpu: list[float]
    registry_memory: float
    idle_share: float
    agents_idle_share: float
    start_s: float


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else AGENTS
    allow_descriptors(count * UPSTREAMS + 2000)
    figures: list[Figure] = []
    for name, registry in (("real Consul", real_registry), ("embedded registry", embedded_registry)):
        with short_directory() as directory, registry(directory, count * UPSTREAMS) as found:
            if found:
                figures += figures_of(name, count, measured(found, count, directory))
    notes = (
        f"{count} agents (zipapps, one process each), {count * UPSTREAMS} held polls of Envoy's size, one client for all",
        f"{os.cpu_count()} processors for agents, registry and client together; {ROUNDS} rounds",
    )
    return report("thousand_agents", figures, notes)


def figures_of(name: str, count: int, found: Measured) -> list[Figure]:
    return [
        Figure(f"{name}: a change → all {count} polls answered, median", median(found.times), LIMIT_S, "s"),
        Figure(f"{name}: the same, slowest of {ROUNDS} rounds", max(found.times), None, "s"),
        Figure(
            f"{name}: the same from Consul's acknowledgement, median", median(found.from_acknowledgement), None, "s"
        ),
        Figure(f"{name}: private memory of an agent, median", median(found.private), LIMIT_MB, "MB"),
        Figure(f"{name}: private memory of an agent, largest", max(found.private), LIMIT_MB, "MB"),
        Figure(f"{name}: processor time of the registry for one change", median(found.registry_cpu), None, "s"),
        Figure(f"{name}: memory of the registry (RSS)", found.registry_memory, None, "MB"),
        Figure(f"{name}: registry while nothing changes", found.idle_share, None, "% of a core"),
        Figure(f"{name}: all agents while nothing changes", found.agents_idle_share, None, "% of a core"),
        Figure(f"{name}: until all agents ran", found.start_s, None, "s"),
    ]


def names_of(agent: int) -> list[str]:
    return [COMMON, *(f"upstream-{agent % GROUPS}-{number:02}" for number in range(UPSTREAMS - 1))]


def measured(registry: Registry, count: int, directory: Path) -> Measured:
    fill(registry.address)
    started = time.monotonic()
    fleet = directory / "fleet"
    fleet.mkdir()
    with running_fleet(fleet, registry.address, [",".join(names_of(one)) for one in range(count)], say) as agents:
        took = time.monotonic() - started
        envoys = Envoys()
        with contextlib.closing(envoys):
            hold(envoys, agents)
            return rounds(registry, envoys, agents, took)


def fill(address: str) -> None:
    for name in sorted({name for agent in range(GROUPS) for name in names_of(agent)}):
        for port in range(21000, 21000 + ENDPOINTS):
            register(address, name, port, Meta=META, Tags=["outrider"])


def hold(envoys: Envoys, agents: list[Agent]) -> None:
    """Every Envoy has its first endpoints, and asks for the next."""
    for at, agent in enumerate(agents):
        envoys.open(agent, names_of(at))
        if not at % 10:
            envoys.tend(0.0)
    eventually(lambda: envoys.tend(SETTLE) == 0 and all(poll.version for poll in envoys.polls), patience=FILLED)
    say(f"{len(envoys.polls)} polls are held")


def rounds(registry: Registry, envoys: Envoys, agents: list[Agent], start_s: float) -> Measured:
    pids = [agent.pid for agent in agents]
    idle, idle_agents = processor_s(registry.pid), sum(map(processor_s, pids))
    envoys.tend(IDLE)
    idle = (processor_s(registry.pid) - idle) / IDLE * 100
    idle_agents = (sum(map(processor_s, pids)) - idle_agents) / IDLE * 100
    private = [memory(pid)["private"] for pid in pids]
    found = [one_round(registry, envoys, 22000 + number) for number in range(ROUNDS)]
    times, acknowledged, cpu = ([each[at] for each in found] for at in range(3))
    after = [memory(pid)["private"] for pid in pids]
    worst = [max(pair) for pair in zip(private, after, strict=True)]
    return Measured(times, acknowledged, worst, cpu, memory(registry.pid)["rss"], idle, idle_agents, start_s)


def one_round(registry: Registry, envoys: Envoys, port: int) -> tuple[float, float, float]:
    """Seconds from the registration being sent, and from its acknowledgement; the registry's processor seconds."""
    cpu = processor_s(registry.pid)
    sent = time.perf_counter()
    register(registry.address, COMMON, port, Meta=META, Tags=["outrider"])
    acknowledged = time.perf_counter()
    times = envoys.answered(COMMON, PATIENCE)
    expected = sum(1 for poll in envoys.polls if poll.label == COMMON)
    assert len(times) == expected, f"{expected - len(times)} polls were not answered within {PATIENCE} s"
    envoys.tend(SETTLE)
    spent = processor_s(registry.pid) - cpu
    deregister(registry.address, COMMON, port)
    envoys.answered(COMMON, PATIENCE)
    envoys.tend(SETTLE)
    say(f"round: {max(times) - sent:.3f} s")
    return max(times) - sent, max(times) - acknowledged, spent


@contextlib.contextmanager
def real_registry(directory: Path, queries: int) -> Generator[Registry | None]:
    binary = consul_binary()
    if binary is None:
        say("no real Consul was found: measured with the embedded registry only")
        yield None
        return
    limits = json.dumps({"limits": {"http_max_conns_per_client": queries + MORE_CONNECTIONS}})
    with running_consul(binary, directory, hcl=limits, mode=alone(directory)) as address:
        yield Registry(binary, address, pid_of(f"-http-port\0{address.rpartition(':')[2]}\0"))


@contextlib.contextmanager
def embedded_registry(directory: Path, _queries: int) -> Generator[Registry]:
    script = Path(__file__).with_name("embedded_registry.py")
    log = directory / "registry.log"
    program = Program([sys.executable, str(script)], log, os.environ, directory)
    try:
        eventually(lambda: program.output().endswith("\n"))
        yield Registry("embedded", program.output().strip(), program.pid)
    finally:
        program.end()


def pid_of(arguments: str) -> int:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if arguments in (process / "cmdline").read_text():
                return int(process.name)
    raise LookupError(f"no process with {arguments!r}")


def say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    sys.exit(main())
