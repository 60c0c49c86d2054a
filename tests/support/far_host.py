"""A gRPC server on a host of its own, a network namespace behind a wire, which can be gone from one moment to the next.

Run as ``far_host.py ADDRESS NEIGHBOUR``, it is that host: it says hello on standard output, and for each line of standard
input does what the line says and answers with a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc

WIRE = "wire"
SERVICE = "far.Words"


async def one(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
    """One word at once, and then none for ever."""
    yield b"word"
    await asyncio.Event().wait()


async def each(requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request


HANDLERS = {"One": grpc.unary_stream_rpc_method_handler(one), "Each": grpc.stream_stream_rpc_method_handler(each)}


def run(*command: str) -> None:
    subprocess.run(command, check=True)


@dataclass
class FarHost:
    """Where the server listens, and the program behind it."""

    place: str
    process: asyncio.subprocess.Process

    async def told(self, line: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(20):
            return (await self.process.stdout.readline()).decode().strip()

    async def gone(self) -> None:
        """From now on it neither acknowledges nor answers; nobody is told."""
        assert await self.told("gone") == "gone"


@contextlib.asynccontextmanager
async def far_host() -> AsyncGenerator[FarHost]:
    """Names and addresses follow this process, so that others beside it have their own."""
    number = os.getpid()
    near, far = (f"10.79.{number >> 6 & 255}.{(number & 63) * 4 + one}" for one in (1, 2))
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--net", sys.executable, __file__, far, near),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    host = FarHost("", process)
    try:
        assert await host.told("hello") == "hello"
        link = f"far{number}"
        run("ip", "link", "add", link, "type", "veth", "peer", "name", WIRE, "netns", str(process.pid))
        run("ip", "address", "add", f"{near}/30", "dev", link)
        run("ip", "link", "set", link, "up")
        host.place = f"{far}:{await host.told('serve')}"
        yield host
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def main(address: str, neighbour: str) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, HANDLERS),))
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        answer = line
        if line == "serve":
            run("ip", "link", "set", "lo", "up")
            run("ip", "address", "add", f"{address}/30", "dev", WIRE)
            run("ip", "link", "set", WIRE, "up")
            answer = str(server.add_insecure_port(f"{address}:0"))
            await server.start()
        elif line == "gone":
            run("ip", "route", "add", "blackhole", f"{neighbour}/32")
        print(answer, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
