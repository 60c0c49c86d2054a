"""A real Consul for contract tests: a dev agent on free ports, ended with the block."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2

_NAMES = ("http", "server", "serf-lan", "serf-wan")
_START_S = 30.0


@contextlib.asynccontextmanager
async def consul_server(binary: str, directory: Path, node: str) -> AsyncGenerator[str]:
    """Yields the address of a fresh dev agent whose leader is known and whose node is registered."""
    ports = dict(zip(_NAMES, _free_ports(len(_NAMES)), strict=True))
    with (directory / "consul.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(binary, "agent", "-dev", "-bind", "127.0.0.1", "-node", node, "-enable-script-checks"),
            *("-grpc-port", "-1", "-dns-port", "-1", "-hcl", "disable_update_check = true"),
            *(item for name, port in ports.items() for item in (f"-{name}-port", str(port))),
            stdout=log,
            stderr=log,
        )
        try:
            address = f"http://127.0.0.1:{ports['http']}"
            await asyncio.wait_for(_leading(address), _START_S)
            yield address
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _leading(address: str) -> None:
    async with httpx2.AsyncClient(base_url=address) as client:
        while True:
            with contextlib.suppress(httpx2.HTTPError):
                if (await client.get("/v1/health/service/consul?passing=1")).text.strip() not in {"", "[]"}:
                    return
            await asyncio.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago; UDP gossip takes the same numbers."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
