"""A portal in this process with a cluster behind it: the embedded one, or the one that a platform file names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from outrider_embedded.cluster import ClusterPorts, cluster

from outrider.clients.portal import PortalClient
from outrider.operations.records import Deployment
from outrider.operations.request_bodies import Body
from outrider.spec.platform import Platform
from outrider_harness.portals import Place, begun, ended, running_portal
from outrider_harness.ports import free_port

PATIENCE_S = 150.0
PORTS = (24_000, 26_000)  # below Linux's ephemeral ports, beside those of `outrider dev`
ENVIRONMENT = "bench"
TRACING = 'tracing: {collector: "http://127.0.0.1:9"}'


@dataclass(frozen=True, slots=True)
class Stand:
    """One environment behind a portal; ``cluster`` says in words which one."""

    portal: PortalClient
    environment: str
    cluster: str
    platform: Platform

    async def deploy(self, text: str) -> Deployment:
        """Begin a deployment of that spec."""
        return await begun(self.portal, self.environment, text, "bench.yaml")

    async def run(self, text: str) -> Deployment:
        """Deploy, and wait for the verdict."""
        return await self.ended(await self.deploy(text))

    async def act(self, service: str, verb: str, body: Body) -> Deployment:
        return await self.portal.act(self.environment, service, verb, body)

    async def ended(self, deployment: Deployment) -> Deployment:
        """The deployment with its verdict; TimeoutError where there is none."""
        return await ended(self.portal, deployment, PATIENCE_S)

    async def waits_for_promotion(self, deployment: Deployment) -> None:
        """Return when its canaries are healthy."""
        async with asyncio.timeout(PATIENCE_S):
            async for event in self.portal.events(deployment.id):
                if event.kind == "promotion":
                    return
        raise TimeoutError(f"{deployment.id} ended without its canaries being healthy")

    async def allocations(self, service: str) -> list[str]:
        """Ids of those that are meant to run."""
        status = await self.portal.status(self.environment, service)
        return [one.id for one in status.allocations if one.status == "running" and one.desired == "run"]

    async def log(self, service: str, task: str) -> str:
        parameters = {"task": task, "type": "stdout", "lines": "100000"}
        return b"".join([part async for part in self.portal.logs(self.environment, service, parameters)]).decode()


@asynccontextmanager
async def embedded_stand(directory: Path) -> AsyncGenerator[Stand]:
    """A cluster of this process."""
    async with (
        cluster(ENVIRONMENT, directory / "cluster", ClusterPorts(of_allocations=PORTS)) as running,
        stand_before(running.nomad_address, running.consul_address, directory) as stand,
    ):
        yield stand


@asynccontextmanager
async def stand_before(nomad: str, consul: str, directory: Path) -> AsyncGenerator[Stand]:
    """A portal before servers on this machine; its database is ``portal.db`` in the directory."""
    place = Place(nomad, consul, f"http://127.0.0.1:{free_port()}", ENVIRONMENT, more=TRACING)
    async with running_portal(place.platform, place.portal, directory) as client:
        yield Stand(client, ENVIRONMENT, "the embedded cluster", place.platform)


@asynccontextmanager
async def stand_of(platform: Platform, environment: str, directory: Path) -> AsyncGenerator[Stand]:
    """The cluster that an operator describes; ``portal.url`` is where its nodes reach this process."""
    assert platform.portal, "the platform has no portal.url, from which nodes fetch the agent"
    assert environment in platform.environments, f"the platform has {', '.join(platform.environments)}"
    nomad = platform.environments[environment].nomad.address
    async with running_portal(platform, str(platform.portal.url).rstrip("/"), directory) as client:
        yield Stand(client, environment, f"Nomad at {nomad}", platform)
