"""Tiny servers of a test: an HTTP/1.1 application that keeps what it saw, and the account of open connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Answer = Callable[["Request"], Awaitable[tuple[int, bytes] | None]]


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
    """An HTTP/1.1 application: ``answer`` decides; None breaks the connection off. Everything seen is kept.

    ``names`` are those by which it was asked for over TLS.
    """

    port: int
    answer: Answer
    seen: list[Request] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    names: list[str | None] = field(default_factory=list[str | None])

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
