"""Real sidecar Envoys on loopback, with tiny applications behind them and a tiny discovery in place of the agent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.topologies import resolved

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import template
from outrider.topology.sidecar import Topology

SLOT = re.compile(r"\{\{ env `(\w+)` \}\}")
DEADLINE_S = 20.0
Json = dict[str, Any]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition; a test that waits in vain fails by the deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


async def chunks(reader: asyncio.StreamReader) -> bytes:
    """A chunked body."""
    parts: list[bytes] = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class App:
    """An HTTP/1.1 application: ``answer`` decides; None breaks the connection off. Everything seen is kept."""

    port: int
    answer: Callable[[Request], Awaitable[tuple[int, bytes] | None]]
    seen: list[Request] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        is_chunked = headers.get("transfer-encoding") == "chunked"
        body = await (chunks(reader) if is_chunked else reader.readexactly(int(headers.get("content-length", "0"))))
        request = Request(method, path, headers, body)
        self.seen.append(request)
        answered = await self.answer(request)
        if answered is None:
            return False
        status, text = answered
        lines = [f"{name}: {value}\r\n" for name, value in {"content-length": len(text), **self.headers}.items()]
        writer.write(f"HTTP/1.1 {status} X\r\n{''.join(lines)}\r\n".encode() + text)
        await writer.drain()
        return True


@dataclass
class Discovery:
    """Answers Envoy's polls for endpoints; ``endpoints`` maps services to ports on loopback."""

    endpoints: dict[str, list[int]] = field(default_factory=dict)

    def names(self, service: str, *ports: int) -> None:
        self.endpoints[service] = list(ports)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(re.findall(r"content-length: (\d+)", head)[0]) if "content-length" in head else 0
                asked = json.loads(await reader.readexactly(length) or b"{}")
                text = json.dumps(self._answer(asked)).encode() if asked else b"{}"
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text)
                await writer.drain()

    def _answer(self, asked: Json) -> Json:
        service = asked["resource_names"][0]
        places = [{"address": "127.0.0.1", "port_value": port} for port in self.endpoints.get(service, [])]
        kind = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
        endpoints = [{"endpoint": {"address": {"socket_address": place}}} for place in places]
        resource = {"@type": kind, "cluster_name": service, "endpoints": [{"lb_endpoints": endpoints}]}
        return {"version_info": str(places), "type_url": kind, "resources": [resource]}


@dataclass
class Connections:
    """The connections of the servers of a test, so that none outlives it."""

    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def handler(self, serve: Serve) -> Serve:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            self.tasks.add(task)
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await serve(reader, writer)
            finally:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()
                self.tasks.discard(task)

        return handle

    async def close(self, server: asyncio.Server) -> None:
        server.close()
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await server.wait_closed()


@dataclass
class Sidecar:
    """A running Envoy with the ports that its allocation would know."""

    process: asyncio.subprocess.Process
    ports: Mapping[str, int]
    log: Path

    @property
    def ingress(self) -> str:
        return f"http://127.0.0.1:{self.ports['ingress']}"

    @property
    def metrics(self) -> str:
        return f"http://127.0.0.1:{self.ports['metrics']}"

    def egress(self, upstream: str) -> str:
        return f"http://127.0.0.1:{self.ports[f'egress_{upstream}']}"

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

    async def app(self, answer: Callable[[Request], Awaitable[tuple[int, bytes] | None]]) -> App:
        app = App(0, answer)
        server = await asyncio.start_server(self.connections.handler(app.serve), "127.0.0.1", 0)
        self.stack.push_async_callback(self.connections.close, server)
        app.port = server.sockets[0].getsockname()[1]
        return app

    async def sidecar(self, spec: Json, app_port: int | None = None, environment: Json | None = None) -> Sidecar:
        """An Envoy for the service, live."""
        made = resolved(spec, environment)
        labels = [booking.label for booking in made.ports.bookings]
        ports = {label: free_port() for label in labels} | ({"app": app_port} if app_port else {})
        started = await self.started(made, ports)
        await until(lambda: self.answers(started.metrics + "/stats/prometheus", 200))
        return started

    async def started(self, made: Topology, ports: Mapping[str, int]) -> Sidecar:
        """An Envoy that may still be starting, or about to fail."""
        home = self.directory / f"{made.service}-{len(list(self.directory.iterdir()))}"
        (home / "envoy").mkdir(parents=True)
        (home / "alloc/tmp").mkdir(parents=True)
        (home / "envoy/envoy.json").write_text(rendered(template(bootstrap(made)), ports))
        serve = self.connections.handler(self.discovery.serve)
        agent = await asyncio.start_unix_server(serve, home / "alloc/tmp/agent.sock")
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
        return Sidecar(process, ports, log)

    async def redis(self, program: str) -> int:
        """The port of a real redis that keeps nothing."""
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(self.directory)),
            stdout=asyncio.subprocess.DEVNULL,
        )
        self.stack.push_async_callback(ended, process)
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
        line = re.compile(rf'membership_total\{{.*envoy_cluster_name="{upstream}".*\}} {endpoints}$', re.MULTILINE)

        async def has() -> bool:
            return bool(line.search((await self.client.get(sidecar.metrics + "/stats/prometheus")).text))

        await until(has)


def rendered(text: str, ports: Mapping[str, int]) -> str:
    """What Nomad makes of the template."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return "127.0.0.1" if name.startswith("NOMAD_IP_") else str(ports.get(name.removeprefix("NOMAD_PORT_"), name))

    return SLOT.sub(value, text)


async def ended(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


@pytest.fixture
async def street(envoy_bin: str, tmp_path: Path) -> AsyncIterator[Street]:
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx2.AsyncClient(timeout=DEADLINE_S, trust_env=False))
        yield Street(envoy_bin, tmp_path, client, Discovery(), stack)
