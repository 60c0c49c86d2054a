"""The agent beside two other ways to tell an Envoy its endpoints, in one run against one real Consul.

sovereign 0.32 (a control plane in Python, polled by Envoy) and the simple way, an agent that asks Consul once a second.
Each has an Envoy of its own, 12 upstreams of 10 endpoints, and is timed over as many changes as the others. How often
Envoy polls the other two is what suits each best of some intervals, tried out first; sovereign asks its sources once a
second, the shortest that it takes.
Usage: ``peers.py [CHANGES]`` (of each).
"""

from __future__ import annotations

import sys
import time

from agent_memory import ENDPOINTS, META, memory
from contenders import AGENT, UPSTREAMS, Contender, contenders, timed
from outrider_harness.consuls import consul_binary, register, running_consul
from outrider_harness.programs import short_directory
from outrider_harness.usage import processor_s
from outrider_harness.waiting import eventually
from propagation import Members
from report import Figure, percentile, report

CHANGES = 200  # timed of each
IDLE = 30.0  # seconds over which the processor time of doing nothing is read
LIMIT_MS = 10.0


def main() -> int:
    changes = int(sys.argv[1]) if len(sys.argv) > 1 else CHANGES
    binary = consul_binary()
    if binary is None:
        sys.stderr.write("no real Consul was found: name one in CONSUL_BIN\n")
        return 1
    with short_directory() as directory, running_consul(binary, directory) as consul:
        for name in UPSTREAMS:
            for port in range(21000, 21000 + ENDPOINTS):
                register(consul, name, port, Meta=META, Tags=["outrider"])
        with contenders(directory, consul) as found:
            return measured(consul, found, changes)


def measured(consul: str, found: list[Contender], changes: int) -> int:
    members = [Members(one.envoy) for one in found]
    eventually(lambda: all(count() == ENDPOINTS for count in members), patience=60)
    time.sleep(3.0)
    before = [sum(map(processor_s, one.pids)) for one in found]
    time.sleep(IDLE)
    idle = [(sum(map(processor_s, one.pids)) - start) / IDLE * 100 for one, start in zip(found, before, strict=True)]
    for number in range(changes):
        for one, count in zip(found, members, strict=True):
            one.times.append(timed(consul, count, number))
            eventually(lambda: all(each() == ENDPOINTS for each in members))
    private = [sum(memory(pid)["private"] for pid in one.pids) for one in found]
    figures: list[Figure] = []
    for one, load, size in zip(found, idle, private, strict=True):
        figures += figures_of(one, load, size)
    polls = ", ".join(f"{one.name} every {one.interval}" for one in found if one.interval)
    size = f"{len(UPSTREAMS)} upstreams of {ENDPOINTS} endpoints"
    return report("peers", figures, (f"{changes} changes of each by turns, one run, {size}", f"Envoy polls {polls}"))


def figures_of(one: Contender, idle: float, private: float) -> list[Figure]:
    return [
        Figure(f"{one.name}: Consul acknowledges → Envoy has it, p50", percentile(one.times, 0.5), None, "ms"),
        Figure(
            f"{one.name}: the same, p99", percentile(one.times, 0.99), LIMIT_MS if one.name == AGENT else None, "ms"
        ),
        Figure(f"{one.name}: private memory of its processes", private, None, "MB"),
        Figure(f"{one.name}: processor while nothing changes", idle, None, "% of a core"),
    ]


if __name__ == "__main__":
    sys.exit(main())
