"""A way to a server on which its HTTP requests are counted: bytes pass as they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

REQUEST_LINE = b" HTTP/1.1\r\n"


@dataclass
class Counted:
    """The address to use instead of the server's, and how many requests have passed."""

    address: str = ""
    requests: int = 0


@asynccontextmanager
async def counted(server: str) -> AsyncGenerator[Counted]:
    """The server behind a port of its own on loopback."""
    found, there, ways = Counted(), urlsplit(server), set[asyncio.Task[None]]()

    async def way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        ways.add(task)
        try:
            theirs, to_server = await asyncio.open_connection(there.hostname, there.port)
            await asyncio.gather(_pass(reader, to_server, found), _pass(theirs, writer, None))
        finally:
            ways.discard(task)

    listener = await asyncio.start_server(way, "127.0.0.1", 0)
    found.address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        listener.close()
        for task in tuple(ways):
            task.cancel()


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter, count: Counted | None) -> None:
    """Whatever comes, until one side ends; the other one is told."""
    with suppress(OSError):
        while chunk := await source.read(65_536):
            if count is not None:
                count.requests += chunk.count(REQUEST_LINE)
            target.write(chunk)
            await target.drain()
    with suppress(OSError):
        target.close()
