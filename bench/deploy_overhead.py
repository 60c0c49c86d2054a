"""What ``outrider run`` adds to the time until a version is healthy, over Nomad's own time for the same job.

By turns, each as an update of two allocations with their sidecars: the job registered at Nomad as it is and watched
until its deployment is successful, and the spec given to `outrider run` until that ends, its start included. On the
embedded cluster, and where NOMAD_BIN and CONSUL_BIN name them, on a real Nomad too. The command keeps its bytecode, as one
that is installed does. Usage: ``deploy_overhead.py [ROUNDS]``.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from outrider_harness.account import ANSWERING_APP
from outrider_harness.consuls import consul_binary
from outrider_harness.nomads import nomad_server
from outrider_harness.programs import short_directory
from outrider_harness.stand import Stand, embedded_stand, stand_before
from report import Figure, report

from outrider.clients.agent_archive import carried_agent
from outrider.clients.nomad import NomadClient, nomad_client
from outrider.operations.change.documents import RenderContext, Source
from outrider.operations.change.render import rendered
from outrider.settings import settings

ROUNDS = 10
LIMIT_S = 1.0
PATIENCE_S = 120.0
SPEC = """
service: {name}
run: {{command: [{python}, {app}]}}
checks: [{{http: /health, interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: "{number}", LEDGER: /dev/null}}
count: 2
stop: {{delay: 2s, timeout: 5s}}
update: {{min_healthy_time: 1s, healthy_deadline: 60s}}
"""
Times = dict[str, list[float]]


def spec(name: str, number: int) -> str:
    return SPEC.format(name=name, number=number, python=sys.executable, app=ANSWERING_APP)


def job(stand: Stand, number: int) -> dict[str, Any]:
    around = RenderContext(stand.platform, stand.environment, {}, carried_agent())
    return rendered(Source(spec("bench-plain", number), "bench.yaml"), around).job


async def plain(nomad: NomadClient, document: dict[str, Any]) -> float:
    """Seconds from the registration to Nomad's own success, watched as closely as can be."""
    began = time.perf_counter()
    index = int((await nomad.register(document))["JobModifyIndex"])
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await nomad.deployment_of(document["ID"])) or found["JobSpecModifyIndex"] != index:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)
        at = 0
        while found["Status"] != "successful":
            assert found["Status"] == "running", found
            found, at = await nomad.deployment(found["ID"], at, 5)
    return time.perf_counter() - began


async def ours(stand: Stand, directory: Path, number: int) -> float:
    """Seconds from the start of the command to its end."""
    file = directory / "bench.yaml"
    file.write_text(spec("bench-ours", number))
    outrider = str(Path(sys.executable).with_name("outrider"))
    portal = stand.platform.portal.url if stand.platform.portal else ""
    surroundings = {**os.environ, "OUTRIDER_ADDR": portal, "PYTHONDONTWRITEBYTECODE": ""}
    command = [outrider, "run", "-e", stand.environment, str(file)]
    began = time.perf_counter()
    quiet = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=surroundings, stdout=quiet, stderr=quiet)
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, said.decode()
    return time.perf_counter() - began


async def measured(stand: Stand, directory: Path, rounds: int) -> Times:
    """By turns, the first of each not counted: it places where the others replace."""
    nomad = nomad_client(str(stand.platform.environments[stand.environment].nomad.address), settings({}).nomad)
    found: Times = {"plain": [], "ours": []}
    try:
        for number in range(rounds + 1):
            found["plain"].append(await plain(nomad, job(stand, number)))
            found["ours"].append(await ours(stand, directory, number))
            print(
                f"{number}: plain {found['plain'][-1]:.2f} s, ours {found['ours'][-1]:.2f} s",
                file=sys.stderr,
                flush=True,
            )
    finally:
        for name in ("bench-plain", "bench-ours"):
            await nomad.deregister(name, purge=True)
        await nomad.close()
    return {name: times[1:] for name, times in found.items()}


def figures(where: str, found: Times) -> list[Figure]:
    over = [mine - own for mine, own in zip(found["ours"], found["plain"], strict=True)]
    return [
        Figure(f"{where}: outrider run over Nomad's own time to healthy, median", median(over), LIMIT_S, "s"),
        Figure("the same, slowest", max(over), None, "s"),
        Figure("Nomad's own time, median", median(found["plain"]), None, "s"),
        Figure("outrider run, median", median(found["ours"]), None, "s"),
        Figure("ratio of the medians", median(found["ours"]) / median(found["plain"]), None, "times"),
    ]


async def on_embedded(directory: Path, rounds: int) -> Times:
    async with embedded_stand(directory) as stand:
        return await measured(stand, directory, rounds)


async def on_real(nomad: str, consul: str, directory: Path, rounds: int) -> Times:
    async with stand_before(nomad, consul, directory) as stand:
        return await measured(stand, directory, rounds)


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    found: list[Figure] = []
    with short_directory() as directory:
        found += figures("embedded", asyncio.run(on_embedded(directory, rounds)))
    binary, consul = os.environ.get("NOMAD_BIN"), consul_binary()
    if binary and consul:
        with short_directory() as directory, nomad_server(binary, consul, directory) as servers:
            found += figures("real Nomad", asyncio.run(on_real(servers.nomad, servers.consul, directory, rounds)))
    return report("deploy_overhead", found, (f"{rounds} updates each way, by turns; count 2, with sidecars",))


if __name__ == "__main__":
    sys.exit(main())
