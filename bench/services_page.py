"""What it costs to look at an environment of 300 services: questions to its servers, time, and a deployment beside it.

The portal is asked over HTTP as a browser does; behind it are the embedded cluster, whose Nomad has a job of each service
and whose Consul two instances of each, and an observer. Usage: ``services_page.py [SERVICES]``.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from counting import Counted, counted
from outrider_embedded.cluster import ClusterPorts, cluster
from outrider_harness.asking import fetched
from outrider_harness.programs import short_directory
from outrider_harness.stand import PORTS, Stand, stand_before
from plan import filled
from report import Figure, percentile, report

from outrider.store.store import opened_store

SERVICES = 300
LOADS = 40
TABS = 5
IDLE_S = 20.0
REFRESH_S = 5.0  # as a page of ours does
DEPLOYS = 7
ALL, ONE = "/environments/bench", "/environments/bench/services/service-0"
INSTANCE = '{{"ID": "{id}", "Name": "{name}", "Address": "127.0.0.1", "Port": {port}, "Tags": ["outrider"], "Check": {{"TTL": "24h", "Status": "passing"}}}}'
BUSY = """
service: busy
run: {{command: [/bin/sleep, "3600"]}}
mesh: false
port: none
env: {{FLAVOUR: "{flavour}"}}
update: {{min_healthy_time: 1s}}
"""


@dataclass(frozen=True)
class Looked:
    """Milliseconds of each load of a page, and what all of them together asked of both servers."""

    times: list[float]
    of_nomad: float
    of_consul: float


def load(portal: str, path: str) -> float:
    """Milliseconds of one load."""
    began = time.perf_counter()
    status, body = fetched(portal, path)
    assert status == 200, body
    assert b"service-0" in body
    return (time.perf_counter() - began) * 1_000


async def looked(portal: str, path: str, nomad: Counted, consul: Counted) -> Looked:
    before = nomad.requests, consul.requests
    times = [await asyncio.to_thread(load, portal, path) for _ in range(LOADS)]
    return Looked(times, (nomad.requests - before[0]) / LOADS, (consul.requests - before[1]) / LOADS)


async def tab(portal: str, loads: list[float]) -> None:
    """Somebody who looks for ever."""
    while True:
        loads.append(await asyncio.to_thread(load, portal, ALL))
        await asyncio.sleep(REFRESH_S)


async def deployed(stand: Stand, flavour: str) -> float:
    """Seconds from the request to the verdict."""
    began = time.perf_counter()
    done = await stand.run(BUSY.format(flavour=flavour))
    assert done.state == "successful", done
    return time.perf_counter() - began


async def deploys(stand: Stand, what: str) -> float:
    return median([await deployed(stand, f"{what}-{number}") for number in range(DEPLOYS)])


def register(consul: str, services: int) -> None:
    address = urlsplit(consul).netloc
    for number in range(2 * services):
        name = f"service-{number // 2}"
        body = INSTANCE.format(id=f"{name}-{number}", name=name, port=20_000 + number)
        status, words = fetched(address, "/v1/agent/service/register", "PUT", body.encode())
        assert status == 200, words


async def measured(directory: Path, services: int) -> list[Figure]:
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(
            cluster("bench", directory / "cluster", ClusterPorts(of_allocations=PORTS))
        )
        nomad = await stack.enter_async_context(counted(running.nomad_address))
        consul = await stack.enter_async_context(counted(running.consul_address))
        stand = await stack.enter_async_context(stand_before(nomad.address, consul.address, directory))
        store = await opened_store(f"sqlite:///{directory / 'portal.db'}")
        await filled(stand.platform, stand.environment, store, services)
        await store.close()
        await asyncio.to_thread(register, running.consul_address, services)
        assert stand.platform.portal
        portal = urlsplit(str(stand.platform.portal.url)).netloc
        # The first look finds jobs that no deployment of ours has made, and has Nomad compare them: once.
        began = time.perf_counter()
        while b"still comparing" in (await asyncio.to_thread(fetched, portal, ALL))[1]:  # noqa: ASYNC110  another task's work
            await asyncio.sleep(0.5)
        first = time.perf_counter() - began
        return await figures(stand, portal, (nomad, consul), first)


async def figures(stand: Stand, portal: str, servers: tuple[Counted, Counted], first: float) -> list[Figure]:
    await deployed(stand, "first")
    idle = time.process_time()
    await asyncio.sleep(IDLE_S)
    idle = (time.process_time() - idle) / IDLE_S
    everything, one = await looked(portal, ALL, *servers), await looked(portal, ONE, *servers)
    cpu = time.process_time()
    await looked(portal, ALL, *servers)
    cpu = (time.process_time() - cpu) / LOADS
    alone = await deploys(stand, "alone")
    loads: list[float] = []
    tabs = [asyncio.create_task(tab(portal, loads)) for _ in range(TABS)]
    beside = await deploys(stand, "beside")
    for task in tabs:
        task.cancel()
    await asyncio.gather(*tabs, return_exceptions=True)
    return [
        Figure("services page: questions to Nomad", everything.of_nomad, 1.0),
        Figure("services page: questions to Consul", everything.of_consul, 1.0),
        Figure("one service's page: questions to Nomad", one.of_nomad, 1.0),
        Figure("one service's page: questions to Consul", one.of_consul, 1.0),
        Figure("services page, p95", percentile(everything.times, 0.95), 1_000.0, "ms"),
        Figure("one service's page, p95", percentile(one.times, 0.95), 300.0, "ms"),
        Figure("services page: CPU of everything in this process", cpu * 1_000, None, "ms"),
        Figure("nobody looks: CPU of everything in this process, of a core", idle * 100, None, "%"),
        Figure(f"a deployment beside {TABS} tabs, to the same alone", beside / alone, 1.5),
        Figure("a deployment alone, median", alone, None, "s"),
        Figure("services page beside it, p95", percentile(loads, 0.95), None, "ms"),
        Figure("until all jobs were compared with their versions, once", first, None, "s"),
    ]


def main() -> int:
    services = int(sys.argv[1]) if len(sys.argv) > 1 else SERVICES
    with short_directory() as directory:
        found = asyncio.run(measured(directory, services))
    note = (
        f"{services} services with two instances each; tabs ask every {REFRESH_S:g} s; questions are those of a page and of "
        "the observer's own pulse meanwhile; cluster, portal and browser are one process on the same cores"
    )
    return report("services_page", found, (note,))


if __name__ == "__main__":
    sys.exit(main())
