"""Sidecar Envoys on loopback with what is beside them: a discovery in place of the agent, ports, a log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from outrider_harness.ports import free_port
from outrider_harness.sidecars import rendered
from outrider_harness.waiting import PATIENCE, until
from support.discovery import Discovery
from support.http_app import Answer, App, Connections, Serve
from support.topologies import resolved

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import template
from outrider.topology.topology import Topology

SECRET = re.compile(r"\{\{ with [^}]*\}\}.*?\{\{ end \}\}")
DEADLINE_S = PATIENCE
Json = dict[str, Any]


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@dataclass
class Sidecar:
    """A running Envoy with the ports that its allocation would know."""

    process: asyncio.subprocess.Process
    ports: Mapping[str, int]
    log: Path
    node: str = "127.0.0.1"

    @property
    def ingress(self) -> str:
        return f"http://{self.node}:{self.ports['ingress']}"

    @property
    def metrics(self) -> str:
        return f"http://{self.node}:{self.ports['metrics']}"

    def egress(self, upstream: str) -> str:
        return f"http://127.0.0.1:{self.ports[f'egress_{upstream}']}"

    async def failed_by_its_agent(self) -> None:
        """What the agent does when its own registration is gone."""
        await self._told("/healthcheck/fail")

    async def mended_by_its_agent(self) -> None:
        await self._told("/healthcheck/ok")

    async def _told(self, path: str) -> None:
        socket_file = self.log.parent / "alloc/envoy.sock"
        async with httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(socket_file))) as admin:
            (await admin.post(f"http://admin{path}")).raise_for_status()

    def failures(self) -> list[Json]:
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@dataclass
class Street:
    """Where sidecars and applications of one test live."""

    envoy: str
    directory: Path
    client: httpx2.AsyncClient
    discovery: Discovery
    stack: contextlib.AsyncExitStack
    connections: Connections = field(default_factory=Connections)
    programs: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])
    secret: str = ""
    node_address: str = "127.0.0.1"

    async def app(self, answer: Answer) -> App:
        app = App(0, answer)
        app.port = await self.server(app.serve)
        return app

    async def server(self, serve: Serve) -> int:
        """The port of a server that lives as long as the test."""
        server = await asyncio.start_server(self.connections.handler(serve), "127.0.0.1", 0, backlog=4_096)
        self.stack.push_async_callback(self.connections.close, server)
        return server.sockets[0].getsockname()[1]

    async def sidecar(
        self, spec: Json, app_port: int | None = None, environment: Json | None = None, **known: str
    ) -> Sidecar:
        """An Envoy for the service, live; ``known`` is what is known of its upstreams."""
        made = resolved(spec, environment, **known)
        labels = [booking.label for booking in made.ports.bookings]
        ports = {label: free_port() for label in labels} | ({"app": app_port} if app_port else {})
        started = await self.started(made, ports)
        await until(lambda: self.answers(started.metrics + "/stats/prometheus", 200))
        return started

    async def started(self, made: Topology, ports: Mapping[str, int]) -> Sidecar:
        """An Envoy that may still be starting, or about to fail."""
        return await self.launched(made.service, self._rendered(template(bootstrap(made)), ports), ports)

    async def launched(self, service: str, text: str, ports: Mapping[str, int]) -> Sidecar:
        """An Envoy with that very start file."""
        home = self.directory / f"{service}-{len(list(self.directory.iterdir()))}"
        (home / "envoy").mkdir(parents=True)
        (home / "alloc/tmp").mkdir(parents=True)
        (home / "envoy/envoy.json").write_text(text)
        serve = self.connections.handler(self.discovery.serve)
        agent = await asyncio.start_unix_server(serve, home / "alloc/agent.sock")
        self.stack.push_async_callback(self.connections.close, agent)
        log = home / "log"
        with log.open("w") as output:
            process = await asyncio.create_subprocess_exec(
                *(self.envoy, "-c", "envoy.json", "--concurrency", "1", "--disable-hot-restart"),
                *("--log-level", "warning", "--file-flush-interval-msec", "50"),
                cwd=home / "envoy",
                stdout=output,
                stderr=output,
            )
        self.stack.push_async_callback(ended, process)
        return Sidecar(process, ports, log, self.node_address)

    def _rendered(self, text: str, ports: Mapping[str, int]) -> str:
        """What Nomad makes of the template."""
        return SECRET.sub(json.dumps(self.secret), rendered(text, ports, self.node_address))

    async def redis(self, program: str, *settings: str, port: int = 0) -> int:
        """The port of a real redis that keeps nothing."""
        port = port or free_port()
        process = await asyncio.create_subprocess_exec(
            *(program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(self.directory)),
            *settings,
            stdout=asyncio.subprocess.DEVNULL,
        )
        self.stack.push_async_callback(ended, process)
        self.programs.append(process)
        await until(lambda: accepts(port))
        return port

    async def answers(self, url: str, status: int) -> bool:
        with contextlib.suppress(httpx2.TransportError):
            return (await self.client.get(url)).status_code == status
        return False

    async def logged(self, sidecar: Sidecar, lines: int) -> None:
        """Wait until the access log has that many lines."""

        async def has() -> bool:
            return len(sidecar.failures()) >= lines

        await until(has)

    async def sees(self, app: App, requests: int) -> None:
        """Wait until the app has seen that many requests."""

        async def has() -> bool:
            return len(app.seen) >= requests

        await until(has)

    async def knows(self, sidecar: Sidecar, upstream: str, endpoints: int) -> None:
        """Wait until the sidecar has that many endpoints of the upstream."""
        await self.shows(sidecar, rf'membership_total\{{.*envoy_cluster_name="{upstream}".*\}} {endpoints}$')

    async def shows(self, sidecar: Sidecar, series: str) -> None:
        """Wait until a line of the sidecar's metrics matches."""
        line = re.compile(series, re.MULTILINE)

        async def has() -> bool:
            return bool(line.search((await self.client.get(sidecar.metrics + "/stats/prometheus")).text))

        await until(has)


async def ended(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


@dataclass
class Pair:
    """A caller and its callees, all of them known to the caller."""

    street: Street
    caller: Sidecar
    callees: list[Sidecar]
    apps: list[App]

    @property
    def url(self) -> str:
        return self.caller.egress("payments")


async def pair(street: Street, *answers: Answer, knobs: Json | None = None, callee: Json | None = None) -> Pair:
    """``checkout`` calls ``payments``, which has an instance per answer."""
    apps = [await street.app(answer) for answer in answers]
    callees = [await street.sidecar({"service": "payments", **(callee or {})}, app.port) for app in apps]
    street.discovery.names("payments", *(one.ports["ingress"] for one in callees))
    spec = {"service": "checkout", "port": "none", "upstreams": {"payments": knobs or {}}}
    caller = await street.sidecar(spec)
    await street.knows(caller, "payments", len(apps))
    return Pair(street, caller, callees, apps)
