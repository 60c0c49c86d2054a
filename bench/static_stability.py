"""Requests while what knows is dead: Consul, the agents, the portal, each killed or standing still for a while.

200 requests a second, GET and POST by turns, from one allocation's sidecar to two of another, on the embedded scheduler
with a real Consul. Usage: ``static_stability.py [SECONDS]`` of each death (20; 600 for ten minutes).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from pathlib import Path

from no_lost_requests import ASKING, CALLEE, CALLER, HELD_SHARE, RATE, Scene, egress, flags
from outrider_embedded.cluster import served_scheduler
from outrider_embedded.scheduler.server import Setting
from outrider_ground.settings import host_environment
from outrider_harness.account import Account, Json, Span, loaded, told
from outrider_harness.consuls import Consul, consul_binary, consul_process
from outrider_harness.programs import short_directory
from outrider_harness.stand import PORTS, Stand, stand_before
from report import Figure, report

from outrider.programs.demonstration.processes import Process, kill, processes_below

SECONDS = 20.0
SETTLE_S = 3.0  # between two deaths
KILLED_EVERY = 0.5  # seconds: a killed agent is started again after one


@dataclass(frozen=True)
class Place:
    """Where everything runs: ``cluster`` is the folder of the allocations."""

    directory: Path
    cluster: Path
    consul: Consul
    nomad: str
    seconds: float

    def agents(self) -> tuple[Process, ...]:
        return tuple(one for one in processes_below(self.cluster) if one.folder.endswith("/agent") and one.command)


@contextlib.contextmanager
def death(account: Account, name: str) -> Generator[None]:
    """What is done in the block stands beside each request that failed meanwhile."""
    began = time.monotonic()
    yield
    account.spans.append(Span(name, began, time.monotonic()))
    sys.stderr.write(f"{account.sent:7,} requests, {len(account.failed)} failed  {name}\n")


async def consul_stands_still(place: Place, account: Account) -> None:
    with death(account, "Consul stands still"):
        place.consul.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(place.seconds)
    place.consul.process.send_signal(signal.SIGCONT)
    await asyncio.sleep(SETTLE_S)


async def agents_stand_still(place: Place, account: Account) -> None:
    found = place.agents()
    assert found, "no agent runs"
    with death(account, "the agents stand still"):
        for one in found:
            os.kill(one.number, signal.SIGSTOP)
        await asyncio.sleep(place.seconds)
    for one in found:
        os.kill(one.number, signal.SIGCONT)
    await asyncio.sleep(SETTLE_S)


async def agents_killed(place: Place, account: Account) -> None:
    """As soon as one is started again it is killed again."""
    until, kills = time.monotonic() + place.seconds, 0
    with death(account, "the agents are killed again and again"):
        while time.monotonic() < until:
            found = place.agents()
            await kill(found)
            kills += len(found)
            await asyncio.sleep(KILLED_EVERY)
    assert kills, "no agent was killed"
    await asyncio.sleep(SETTLE_S)


async def consul_killed(place: Place, account: Account) -> None:
    """Last: a development Consul forgets everything with its death."""
    with death(account, "Consul is dead"):
        place.consul.end(at_once=True)
        await asyncio.sleep(place.seconds)


async def portal_dead(place: Place, account: Account) -> None:
    """Its process would not be on the way of a request; its address answers nobody."""
    with death(account, "the portal is dead"):
        await asyncio.sleep(place.seconds)


async def deployed(stand: Stand, account: Account, directory: Path) -> str:
    """Two instances of one service and one that calls them; where the caller's app finds them."""
    scene = Scene(stand, account, directory / "ledger")
    await scene.deploy(2)
    variable = f"{CALLEE.upper().replace('-', '_')}_URL"
    asking = ASKING.format(name=CALLER, python=sys.executable, variable=variable, callee=CALLEE)
    scene.expect(await stand.run(asking), "successful")
    return await egress(stand)


async def survived(place: Place, account: Account) -> dict[int, Json]:
    """All deaths, one after the other, under one load; the portal dies first and is not seen again until the end."""
    async with stand_before(place.nomad, f"http://{place.consul.address}", place.directory) as stand:
        address = await deployed(stand, account, place.directory)
    assert not account.unexpected, account.unexpected
    async with loaded(address, RATE, account):
        await asyncio.sleep(SETTLE_S)
        for dies in (portal_dead, agents_stand_still, agents_killed, consul_stands_still, consul_killed):
            await dies(place, account)
    async with stand_before(place.nomad, f"http://{place.consul.address}", place.directory) as stand:
        return await flags(stand)


@contextlib.asynccontextmanager
async def placed(directory: Path, binary: str, seconds: float) -> AsyncGenerator[Place]:
    cluster = directory / "cluster"
    cluster.mkdir()
    with consul_process(binary, directory) as consul:
        setting = Setting(
            "bench", cluster.resolve(), f"http://{consul.address}", PORTS, host_environment(), "127.0.0.1"
        )
        async with served_scheduler(setting) as nomad:
            yield Place(directory, cluster.resolve(), consul, nomad, seconds)


def figures(account: Account) -> list[Figure]:
    """Failures are told by what was dead when the request ended."""
    failed = list(account.failed.values())
    names = [span.name for span in account.spans]
    return [
        *(Figure(f"failed while {name}", sum(account.during(one) == name for one in failed), 0) for name in names),
        Figure("failed in all", len(failed), 0),
        Figure("rate held", account.summary["rate"], RATE * HELD_SHARE, "/s", at_least=True),
        Figure("requests", account.summary["total"]),
        *(Figure(f"latency {name}", account.summary[f"{name}_ms"], None, "ms") for name in ("p50", "p99", "slowest")),
    ]


async def main(seconds: float) -> int:
    binary = consul_binary()
    if binary is None:
        sys.stderr.write("no real Consul was found: name one in CONSUL_BIN\n")
        return 1
    account = Account()
    with short_directory() as directory:
        async with placed(directory, binary, seconds) as place:
            logged = await survived(place, account)
        notes = (f"each dead for {seconds:.0f} s, {RATE:.0f} requests/s", *told(account, logged))
        return report("static_stability", figures(account), notes)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)))
