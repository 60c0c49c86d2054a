"""A node in a network namespace of its own: scheduler, portal and a hand for the test, as one program.

Run as ``node.py NAME ADDRESS DIRECTORY ENVOY TRANSPORT``. It says hello on standard output, then answers each line of
standard input, a JSON list of a verb and its arguments, with a line of JSON. It ends with its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil
from outrider_embedded.cluster import ClusterPorts, cluster, served_scheduler
from outrider_embedded.scheduler.server import Setting
from outrider_ground.settings import host_environment
from outrider_harness.portals import Place, begun, ended, portal_settings, serving_portal

from outrider.clients.nomad import NomadClient, nomad_client
from outrider.clients.portal import PortalClient, portal_client

ENVIRONMENT = "stage"
PORTS, PORTAL_PORT = (20_000, 21_000), 7_070
VERDICT_S = 600.0


@dataclass
class Node:
    """What the program was started with, and its clients once the servers run."""

    name: str
    address: str
    directory: Path
    envoy: str
    transport: str
    consul: str = ""
    portal: PortalClient | None = None
    nomad: NomadClient | None = None
    client: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(timeout=10, trust_env=False))
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def start(self, consul: str) -> str:
        """Run the servers; without Consul's address this node has the registry. Returns that address."""
        self.stack.push_async_callback(self.client.aclose)
        nomad, self.consul = await self.stack.enter_async_context(self._servers(consul))
        own, of_sidecar = f"http://{self.address}:{PORTAL_PORT}", f", transport: {self.transport}"
        place = Place(nomad, self.consul, own, ENVIRONMENT, envoy=self.envoy, of_sidecar=of_sidecar)
        here = portal_settings(own, self.directory)
        await self.stack.enter_async_context(serving_portal(here, place.platform))
        self.portal, self.nomad = portal_client(here), nomad_client(nomad, here.nomad)
        self.stack.push_async_callback(self.portal.close)
        self.stack.push_async_callback(self.nomad.close)
        return self.consul

    @contextlib.asynccontextmanager
    async def _servers(self, consul: str) -> AsyncGenerator[tuple[str, str]]:
        if not consul:
            async with cluster(
                self.name, self.directory, ClusterPorts(of_allocations=PORTS), address=self.address
            ) as running:
                yield running.nomad_address, running.consul_address
            return
        setting = Setting(self.name, self.directory, consul, PORTS, host_environment(), self.address)
        async with served_scheduler(setting) as nomad:
            yield nomad, consul

    async def deploy(self, text: str) -> str:
        """Deploy to this node, and wait; returns the state and the reason."""
        assert self.portal
        deployment = await begun(self.portal, ENVIRONMENT, text, "spec.yaml")
        over = await ended(self.portal, deployment, VERDICT_S)
        return f"{over.state}: {over.reason}"

    async def ports(self, service: str) -> dict[str, int]:
        """The ports of the service's allocation on this node, by label."""
        assert self.nomad
        (found,) = await self.nomad.allocations(service)
        allocation: Any = await self.nomad.allocation(found["ID"])
        return {port["Label"]: port["Value"] for port in allocation["AllocatedResources"]["Shared"]["Ports"]}

    async def get(self, method: str, url: str) -> tuple[int, str]:
        answer = await self.client.request(method, url)
        return answer.status_code, answer.text

    async def until(self, url: str, status: int) -> None:
        """Ask again until that is the answer."""
        async with asyncio.timeout(30):
            while (await self.client.get(url)).status_code != status:  # noqa: ASYNC110  another process has no event
                await asyncio.sleep(0.1)

    async def connect(self, host: str, port: int) -> str:
        """ "open", or the name of the error."""
        try:
            async with asyncio.timeout(30):
                _, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, str(error))
        writer.close()
        return "open"

    async def listeners(self) -> list[str]:
        """Where anything in this namespace listens on TCP: ``address:port``."""
        return sorted(_place(one) for one in psutil.net_connections("tcp4") if one.status == psutil.CONN_LISTEN)

    async def servers(self) -> list[str]:
        """Where this program itself listens: Nomad, Consul where it has one, and the portal."""
        own = psutil.Process().net_connections("tcp4")
        return sorted(_place(one) for one in own if one.status == psutil.CONN_LISTEN)

    async def instances(self, service: str) -> list[dict[str, str]]:
        """What the registry says of each instance."""
        rows = (await self.client.get(f"{self.consul}/v1/health/service/{service}")).json()
        return [
            {
                "address": row["Service"]["Address"],
                "metrics": row["Service"]["Meta"]["outrider_metrics"],
                "checks": ",".join(sorted({check["Status"] for check in row["Checks"]})),
            }
            for row in rows
        ]

    async def sockets(self) -> list[str]:
        """Unix sockets of this namespace that need no file system to be found."""
        return sorted(str(one.laddr) for one in psutil.net_connections("unix") if str(one.laddr).startswith("@"))


def _place(one: Any) -> str:
    """``address:port``."""
    return f"{one.laddr.ip}:{one.laddr.port}"


def _take_address(address: str) -> None:
    """The other end of the wire is in the other node's namespace by now."""
    for command in (
        ["addr", "add", f"{address}/24", "dev", "wire"],
        ["link", "set", "wire", "up"],
        ["link", "set", "lo", "up"],
    ):
        subprocess.run(["ip", *command], check=True)


def _say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


async def _serve(node: Node) -> None:
    async with node.stack:
        while line := await asyncio.to_thread(sys.stdin.readline):
            verb, *arguments = json.loads(line)
            do: Callable[..., Awaitable[Any]] = getattr(node, verb)
            _say(await do(*arguments))


def main() -> None:
    """Wait for the wire before anything listens on it."""
    name, address, directory, envoy, transport = sys.argv[1:]
    _say("hello")
    sys.stdin.readline()
    _take_address(address)
    _say("wired")
    asyncio.run(_serve(Node(name, address, Path(directory), envoy, transport)))


if __name__ == "__main__":
    main()
