"""One agent and a real Envoy under churn and faults, and what was seen of them (A26)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from psutil import Process

from outrider_harness.agents import Agent, running_agent
from outrider_harness.envoys import Envoy, running_envoy
from outrider_harness.scripted_consul import Entry, FakeConsul, Fault, entry, raw, reset, says
from outrider_harness.usage import mapped
from outrider_harness.waiting import eventually

UPSTREAMS = [f"upstream-{number}" for number in range(6)]
MOST_INSTANCES = 12
CHANGES = 5.0  # a second
FAULT_SHARE = 0.2  # of the changes come with a fault
WARM_UP = 0.25  # of the time, in which the agent reaches the size that it will have
WARM_CHANGES = 40.0  # a second, in that time
SETTLING = 0.25  # of the time, in which its heap comes to rest at the rate that is measured then
SPARE_DESCRIPTORS = 8  # connections to Consul and Envoy that happen to be open in the moment of a look
SAMPLE = 0.5  # seconds
TRUTH = 60.0  # seconds after the last change: a pause after a denial is the longest that may pass
Say = Callable[[str], None]

HEALTHS = ["passing", "passing", "passing", "warning", "critical"]
FAULTS: list[Fault] = [
    reset,
    raw(b""),
    raw(b"HTTP/1.1 200 OK\r\nX-Consul-Index: 99\r\nContent-Length: 900\r\n\r\n[{"),
    raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    says(500, "No cluster leader"),
    says(429, "Your IP is issuing too many concurrent connections"),
    says(200, [], x_consul_index="1"),
    says(200, "null", x_consul_index="99"),
    says(200, [], x_consul_knownleader="false", x_consul_index="99"),
    says(200, [entry("10.0.0.1", 80, Meta={"x": "y" * 100_000})] * 60, x_consul_index="2"),
]


@dataclass(frozen=True)
class Sample:
    """``at`` in seconds since the start, ``rss`` in bytes."""

    at: float
    rss: int
    descriptors: int


@dataclass(frozen=True)
class World:
    """A Consul, and what it said last of each upstream."""

    fake: FakeConsul
    truth: dict[str, list[Entry]]


@dataclass
class Soaked:
    """What was seen; ``differences`` names every upstream that is not as Consul has it at the end."""

    samples: list[Sample] = field(default_factory=list[Sample])
    changes: int = 0
    faults: int = 0
    differences: list[str] = field(default_factory=list[str])

    @property
    def descriptors_gained(self) -> int:
        """The most in the second half against the most in the first."""
        half = len(self.samples) // 2
        return max(each.descriptors for each in self.samples[half:]) - max(
            each.descriptors for each in self.samples[:half]
        )

    @property
    def memory_gained(self) -> int:
        """Bytes: the most RSS in the second half against the most in the first."""
        half = len(self.samples) // 2
        return max(each.rss for each in self.samples[half:]) - max(each.rss for each in self.samples[:half])

    @property
    def slope(self) -> float:
        """Bytes of RSS a second: the median of the slopes between points half the time apart (Theil and Sen)."""
        pairs = zip(self.samples, self.samples[len(self.samples) // 2 :], strict=False)
        return median((later.rss - one.rss) / (later.at - one.at) for one, later in pairs)


def soaked(seconds: float, directory: Path, envoy_binary: str, say: Say = lambda _line: None) -> Soaked:
    """Let it run for so long, then let it come to rest."""
    with FakeConsul().running() as fake:
        truth = {name: instances(random.Random(name)) for name in UPSTREAMS}
        for name, entries in truth.items():
            fake.put(name, *entries)
        with (
            running_agent(directory, fake.address, ",".join(UPSTREAMS)) as agent,
            running_envoy(envoy_binary, directory, UPSTREAMS) as envoy,
        ):
            world = World(fake, truth)
            churn(world, agent, Soaked(), seconds * WARM_UP, WARM_CHANGES, say)
            churn(world, agent, Soaked(), seconds * SETTLING, CHANGES, say)
            found = Soaked()
            churn(world, agent, found, seconds * (1 - WARM_UP - SETTLING), CHANGES, say)
            settle(agent, envoy, found, truth)
            return found


def churn(world: World, agent: Agent, found: Soaked, seconds: float, rate: float, say: Say) -> None:
    chance = random.Random(seconds)
    started = time.monotonic()
    sampled = 0.0
    while (now := time.monotonic() - started) < seconds:
        if now >= sampled:
            sampled = now + SAMPLE
            found.samples.append(Sample(now, mapped(agent.pid)["Rss"], Process(agent.pid).num_fds()))
        if found.changes % 300 == 0:
            say(f"{now:5.0f} s: {found.samples[-1].rss / 2**20:.2f} MB, {found.samples[-1].descriptors} descriptors")
        found.faults += change(world, chance)
        found.changes += 1
        time.sleep(max(0.0, found.changes / rate - (time.monotonic() - started)))


def change(world: World, chance: random.Random) -> int:
    """One change of Consul's content; the number of faults that came with it."""
    is_fault = chance.random() < FAULT_SHARE
    if is_fault:
        world.fake.once(chance.choice(FAULTS))
    index = chance.randint(1, world.fake.index) if chance.random() < FAULT_SHARE / 4 else None
    name, entries = chance.choice(UPSTREAMS), instances(chance)
    world.truth[name] = entries
    world.fake.put(name, *entries, index=index)
    return int(is_fault)


def instances(chance: random.Random) -> list[Entry]:
    ports = chance.sample(range(1, 2 * MOST_INSTANCES), chance.randint(1, MOST_INSTANCES))
    return [entry("127.0.0.1", port, chance.choice(HEALTHS), Meta={"outrider_version": "abc"}) for port in ports]


def settle(agent: Agent, envoy: Envoy, found: Soaked, truth: dict[str, list[Entry]]) -> None:
    """Nothing more is published: what the agent has heard in the churn must come out by itself."""

    def differences() -> list[str]:
        return [name for name, said in truth.items() if not is_true(said, listed(agent, name), envoy.endpoints(name))]

    try:
        eventually(lambda: not differences(), patience=TRUTH, pause=0.2)
    except TimeoutError:
        found.differences = differences()


def is_true(said: list[Entry], by_agent: set[str], by_envoy: set[str]) -> bool:
    """All that are usable are there, and of the others at most critical ones, which a guard may keep."""
    usable = {address(one) for one in said if health(one) != "critical"}
    return usable <= by_agent <= {address(one) for one in said} and by_envoy == by_agent


def address(said: Entry) -> str:
    return f"{said['Service']['Address']}:{said['Service']['Port']}"


def health(said: Entry) -> str:
    return str(said["Checks"][0]["Status"])


def listed(agent: Agent, name: str) -> set[str]:
    return {f"{one['address']}:{one['port']}" for one in agent.upstream(name).get("endpoints") or ()}
