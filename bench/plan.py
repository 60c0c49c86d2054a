"""How long ``plan`` takes for one service among 1,000 that are stored and registered, Envoy's validation included.

The portal is a process of its own, as one has it, that has come to rest, and is asked over HTTP as the CLI does; behind it are the embedded
cluster, whose Nomad has a job of each service, in this process, and a real Envoy. Usage: ``plan.py [SERVICES]``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from many import served
from outrider_embedded.cluster import ClusterPorts, cluster
from outrider_harness.asking import fetched
from outrider_harness.portals import Place, portal_settings
from outrider_harness.ports import free_port
from outrider_harness.programs import short_directory
from outrider_harness.stand import PORTS, TRACING
from outrider_harness.usage import processor_s
from report import Figure, percentile, report

from outrider.clients.agent_archive import carried_agent
from outrider.clients.portal import PortalClient, portal_client
from outrider.operations.change.documents import RenderContext, Rendered, Source
from outrider.operations.change.render import rendered
from outrider.operations.records import Deployment, Draft, Version
from outrider.operations.request_bodies import SpecBody
from outrider.spec.platform import Platform
from outrider.spec.stored import FORMAT
from outrider.store.store import SqlStore, opened_store

SERVICES = 1_000
PLANS = 200
WARM_UP = 10  # plans that do not count
UPSTREAMS = 5
LIMIT_MS = 300.0
FIRST_UPKEEP_S = 75.0  # after its start: upkeep begins a minute from then
LOOK_S = 3.0
RESTING = 0.1  # of a core
PATIENCE_S = 400.0
SPEC = """
service: service-{number}
run: {{command: [app]}}
upstreams: {{{upstreams}}}
checks: [{{http: /healthz, interval: 5s, timeout: 1s}}]
env: {{FLAVOUR: "{flavour}"}}
count: 0
"""


def spec(number: int, services: int, flavour: int = 0) -> str:
    """Each calls the five before it."""
    callees = ", ".join(f"service-{(number - step) % services}: {{}}" for step in range(1, UPSTREAMS + 1))
    return SPEC.format(number=number, upstreams=callees, flavour=flavour)


def version(environment: str, made: Rendered, text: str) -> Draft:
    """What a deploy of it would have stored."""
    return Draft(
        environment=environment,
        service=made.service.service,
        hash=made.parts.version,
        protocol=made.topology.protocol,
        file="bench.yaml",
        spec=text,
        merged=made.stored.document,
        format=FORMAT,
        job=made.job,
        bootstrap=made.template,
        artifacts=(),
        created_by="bench",
    )


def register(nomad: str, job: dict[str, Any]) -> int:
    """The index of the job."""
    status, words = fetched(nomad, "/v1/jobs", "PUT", json.dumps({"Job": job}).encode())
    assert status == 200, words
    return int(json.loads(words)["JobModifyIndex"])


def deployment(stored: Version, index: int) -> Deployment:
    """The one that has brought the version up."""
    now = datetime.now(UTC)
    fresh = Deployment(str(uuid4()), stored.environment, stored.service, "run", "successful", "bench", now)
    return replace(fresh, version=stored.number, modify_index=index, ended_at=now)


async def filled(platform: Platform, environment: str, store: SqlStore, services: int) -> None:
    protocols = {f"service-{number}": "http" for number in range(services)}
    around = RenderContext(platform, environment, protocols, carried_agent())
    nomad = urlsplit(str(platform.environments[environment].nomad.address)).netloc
    for number in range(services):
        text = spec(number, services)
        made = rendered(Source(text, "bench.yaml"), around)
        stored = await store.versions.add_version(version(environment, made, text))
        index = await asyncio.to_thread(register, nomad, made.job)
        await store.deployments.add_deployment(deployment(stored, index))


async def settled(pid: int) -> None:
    """Once the portal rests: in its first minute or two it reads every job and looks at every sidecar."""
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.sleep(FIRST_UPKEEP_S)
        while True:
            before = processor_s(pid)
            await asyncio.sleep(LOOK_S)
            if processor_s(pid) - before < RESTING * LOOK_S:
                return


async def times(portal: PortalClient, environment: str, services: int) -> list[float]:
    """Milliseconds of each plan: a changed spec of another service each time."""
    found: list[float] = []
    for number in range(WARM_UP + PLANS):
        body = SpecBody(spec=spec(number % services, services, number + 1), file="bench.yaml")
        began = time.perf_counter()
        plan = await portal.plan(environment, body)
        found.append((time.perf_counter() - began) * 1_000)
        assert plan.has_changes, plan
        assert not plan.refusals, plan
    return found[WARM_UP:]


async def measured(directory: Path, services: int) -> list[float]:
    async with cluster("bench", directory / "cluster", ClusterPorts(of_allocations=PORTS)) as running:
        place = Place(
            running.nomad_address, running.consul_address, f"http://127.0.0.1:{free_port()}", "bench", more=TRACING
        )
        store = await opened_store(f"sqlite:///{directory / 'portal.db'}")
        try:
            await filled(place.platform, place.environment, store, services)
        finally:
            await store.close()
        # What the cluster holds stays, as in a Nomad that is a process of its own.
        gc.collect()
        gc.freeze()
        async with served(place, directory) as process:
            await settled(process.pid)
            portal = portal_client(portal_settings(place.portal, directory))
            try:
                return await times(portal, place.environment, services)
            finally:
                await portal.close()


def main() -> int:
    services = int(sys.argv[1]) if len(sys.argv) > 1 else SERVICES
    with short_directory() as directory:
        found = asyncio.run(measured(directory, services))
    figures = [
        Figure(f"plan of one service among {services:,}, p95", percentile(found, 0.95), LIMIT_MS, "ms"),
        Figure("the same, p50", median(found), None, "ms"),
        Figure("the same, slowest", max(found), None, "ms"),
    ]
    return report("plan", figures, (f"{PLANS} plans over HTTP, each validated by a real Envoy; the embedded cluster",))


if __name__ == "__main__":
    sys.exit(main())
