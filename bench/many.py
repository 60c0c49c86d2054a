"""Many services deployed by one ``outrider run DIR``: wall time, requests to Nomad for each service, the portal's memory.

The services are sleepers without a sidecar (so none can call another) on the embedded cluster, which runs in this process;
portal and command line are processes of their own. Requests are counted on the way to Nomad for a quarter of the services
and for all of them, so that a cost that grows with their number shows. Usage: ``many.py [SERVICES]``.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from counting import Counted, counted
from outrider_embedded.cluster import ClusterPorts, cluster
from outrider_harness.portals import Place
from outrider_harness.ports import free_port
from outrider_harness.programs import short_directory
from outrider_harness.stand import PORTS
from outrider_harness.usage import mapped, processor_s
from report import Figure, report

SERVICES = 500
LIMIT_S = 150.0
LIMIT_REQUESTS = 24.0
LIMIT_GROWTH = 1.15
LIMIT_CPU_GROWTH = 1.3
LIMIT_MB = 220.0
PATIENCE_S = 900.0
OUTRIDER = str(Path(sys.executable).with_name("outrider"))
SPEC = """service: {name}
mesh: false
port: none
run: {{command: [/bin/sleep, "36000"]}}
resources: {{cpu: 1, memory: 10}}
update: {{min_healthy_time: 0s}}
stop: {{delay: 2s, timeout: 1s}}
"""


@dataclass(frozen=True)
class Deployed:
    """What one run of a folder took: seconds, of each service requests to Nomad and ms of the portal's CPU; its MB after it."""

    seconds: float
    requests: float
    cpu: float
    memory: float


def folder(directory: Path, prefix: str, services: int) -> Path:
    """That many specs."""
    made = directory / prefix
    made.mkdir()
    for number in range(services):
        (made / f"{prefix}-{number}.yaml").write_text(SPEC.format(name=f"{prefix}-{number}"))
    return made


async def deployed(place: Place, specs: Path, nomad: Counted, portal: asyncio.subprocess.Process) -> Deployed:
    before, cpu, began = nomad.requests, processor_s(portal.pid), time.perf_counter()
    command = (OUTRIDER, "run", str(specs), "-e", place.environment, "--addr", place.portal)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    assert process.returncode == 0, (out + err).decode()[-4_000:]
    taken, services = time.perf_counter() - began, out.count(b" successful ")
    assert services == len(out.splitlines()) - 1, out.decode()
    used = (processor_s(portal.pid) - cpu) * 1_000 / services
    return Deployed(taken, (nomad.requests - before) / services, used, mapped(portal.pid)["Pss"] / 1e6)


@asynccontextmanager
async def served(place: Place, directory: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A portal of its own."""
    file, port = directory / "platform.yaml", place.portal.rpartition(":")[2]
    file.write_text(place.text)
    database = f"sqlite:///{directory / 'portal.db'}"
    command = (OUTRIDER, "portal", "--platform", str(file), "--port", port, "--database", database)
    with (directory / "portal.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        await answering(port)
        yield process
    finally:
        process.terminate()
        await process.wait()


async def answering(port: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", int(port))
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


async def measured(directory: Path, services: int) -> tuple[float, Deployed, Deployed, float]:
    """The portal's memory before, a quarter of the services, all of them, and seconds for a second run of the quarter."""
    ports = ClusterPorts(of_allocations=PORTS)
    async with cluster("bench", directory / "cluster", ports) as running, counted(running.nomad_address) as nomad:
        place = Place(nomad.address, running.consul_address, f"http://127.0.0.1:{free_port()}", "bench")
        async with served(place, directory) as portal:
            idle = mapped(portal.pid)["Pss"] / 1e6
            few = folder(directory, "few", services // 4)
            quarter = await deployed(place, few, nomad, portal)
            whole = await deployed(place, folder(directory, "all", services), nomad, portal)
            again = await deployed(place, few, nomad, portal)
            return idle, quarter, whole, again.seconds


def main() -> int:
    services = int(sys.argv[1]) if len(sys.argv) > 1 else SERVICES
    with short_directory() as directory:
        idle, quarter, whole, again = asyncio.run(measured(directory, services))
    figures = [
        Figure(f"{services:,} services by one run, callees first", whole.seconds, LIMIT_S, "s"),
        Figure("requests to Nomad for each service", whole.requests, LIMIT_REQUESTS),
        Figure("the same, to that of a quarter as many", whole.requests / quarter.requests, LIMIT_GROWTH, "times"),
        Figure("portal's CPU for each service", whole.cpu, None, "ms"),
        Figure("the same, to that of a quarter as many", whole.cpu / quarter.cpu, LIMIT_CPU_GROWTH, "times"),
        Figure("portal's memory afterwards (PSS)", whole.memory, LIMIT_MB, "MB"),
        Figure("the same before", idle, None, "MB"),
        Figure("that quarter again, nothing changed", again, None, "s"),
    ]
    note = f"sleepers without a sidecar; the embedded cluster; {os.cpu_count()} cores"
    return report("many", figures, (note,))


if __name__ == "__main__":
    sys.exit(main())
