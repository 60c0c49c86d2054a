"""A whole cluster with a portal in front of it, on this machine, from a platform file as an operator writes one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest
from outrider_embedded.addresses import Cluster
from outrider_embedded.cluster import ClusterPorts, cluster, served_scheduler
from outrider_embedded.scheduler.server import LOOPBACK, Setting
from outrider_ground.private import private_directory
from outrider_ground.settings import host_environment
from outrider_harness.portals import Place, begun, ended, portal_settings, serving_portal
from outrider_harness.ports import free_port

from outrider.clients.nomad import NomadClient, nomad_client
from outrider.clients.portal import PortalClient, portal_client
from outrider.operations.events import Told
from outrider.operations.records import Deployment
from outrider.settings import Settings

APP = Path(__file__).parent / "echo_app.py"
ENVIRONMENT = "stage"
Kind = TypeVar("Kind", bound=Told)
SPEC = """
service: echo
run: {{command: [{python}, {app}]}}
checks: [{{http: /, interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: {flavour}}}
stop: {{delay: 2s}}
{more}
"""
QUICK = "update: {min_healthy_time: 0s, healthy_deadline: 20s"


def spec(flavour: str, more: str = "", update: str = "") -> str:
    """A spec of the application that deploys quickly."""
    rest = f"{QUICK}{', ' if update else ''}{update}}}\n{more}"
    return SPEC.format(python=sys.executable, app=APP, flavour=flavour, more=rest)


@dataclass(frozen=True)
class Asked:
    """Another Consul than the embedded one: for all, or only as agents reach it; and the rest of that line of the platform."""

    address: str = ""
    agent_address: str = ""
    tls: str = ""


@dataclass
class Stage:
    """What a test of a whole deployment speaks to."""

    portal: PortalClient
    nomad: NomadClient
    cluster: Cluster
    address: str
    command: list[str]
    process: asyncio.subprocess.Process | None = None

    async def run(self, text: str) -> Deployment:
        """Deploy, and wait for the verdict."""
        return await self.ended(await self.deploy(text))

    async def deploy(self, text: str) -> Deployment:
        return await begun(self.portal, ENVIRONMENT, text, "echo.yaml")

    async def ended(self, deployment: Deployment) -> Deployment:
        return await ended(self.portal, deployment, 120)

    async def reached(self, deployment: Deployment, kind: type[Kind]) -> Kind:
        """Wait for the first event of that kind."""
        async with asyncio.timeout(60):
            async for event in self.portal.events(deployment.id):
                if isinstance(event, kind):
                    return event
        pytest.fail(f"no {kind.__name__} before the verdict")

    async def running(self) -> set[str]:
        """Ids of the allocations that run and are meant to."""
        found = await self.nomad.allocations("echo")
        return {one["ID"] for one in found if one["ClientStatus"] == "running" and one["DesiredStatus"] == "run"}

    async def start_portal(self) -> None:
        self.process = await asyncio.create_subprocess_exec(*self.command)
        async with asyncio.timeout(60):
            while not await self._answers():  # noqa: ASYNC110  another process has no event to wait for
                await asyncio.sleep(0.05)

    async def kill_portal(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def _answers(self) -> bool:
        host, port = self.address.removeprefix("http://").split(":")
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return False
        writer.close()
        return True


@asynccontextmanager
async def stage(
    directory: Path,
    envoy: str,
    ports: tuple[int, int],
    *,
    in_process: bool = True,
    agent: str = sys.executable,
    consul: Asked | None = None,
) -> AsyncGenerator[Stage]:
    """A cluster that books ports of that range, and a portal: in this process, or in one that can be killed.

    ``agent`` is what runs agents: a Python; ``consul`` is the Consul that they ask, the cluster's own by default.
    """
    consul = consul or Asked()
    async with _cluster(directory / "cluster", ports, consul.address) as running:
        address = f"http://127.0.0.1:{free_port()}"
        place = Place(running.nomad_address, running.consul_address, address, ENVIRONMENT, envoy=envoy, python=agent)
        place = replace(place, consul_agent=consul.agent_address, of_consul=consul.tls)
        place = replace(place, more=f'volumes: {{directory: "{directory}/cluster/volumes"}}')
        file = directory / "platform.yaml"
        file.write_text(place.text)
        here = portal_settings(address, directory)
        portal, nomad = portal_client(here), nomad_client(running.nomad_address, here.nomad)
        made = Stage(portal, nomad, running, address, _command(file, address, here))
        try:
            async with serving_portal(here, place.platform) if in_process else _process(made):
                yield made
        finally:
            await portal.close()
            await nomad.close()


@asynccontextmanager
async def _cluster(directory: Path, ports: tuple[int, int], consul: str) -> AsyncGenerator[Cluster]:
    if not consul:
        async with cluster("dc1", directory, ClusterPorts(of_allocations=ports)) as running:
            yield running
        return
    await asyncio.to_thread(private_directory, directory)
    setting = Setting("dc1", directory, consul, ports, host_environment(), LOOPBACK)
    async with served_scheduler(setting) as nomad:
        yield Cluster("dc1", nomad, consul, directory)


def _command(file: Path, address: str, here: Settings) -> list[str]:
    outrider = str(Path(sys.executable).with_name("outrider"))
    port = address.rpartition(":")[2]
    return [outrider, "portal", "--platform", str(file), "--port", port, "--database", str(here.database)]


@asynccontextmanager
async def _process(made: Stage) -> AsyncGenerator[None]:
    await made.start_portal()
    try:
        yield
    finally:
        if made.process is not None and made.process.returncode is None:
            made.process.terminate()
            await made.process.wait()
