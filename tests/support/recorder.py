"""An HTTP/1.1 server that keeps each request byte by byte as it came, and answers in words that a test chooses."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Answers = Callable[[int], bytes]


@dataclass
class Recorder:
    """``answer`` gets the number of the request, from 1; empty bytes break the connection off. ``connections`` are
    those on which a request came.
    """

    answer: Answers = lambda _: GOOD
    seen: list[bytes] = field(default_factory=list[bytes])
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            is_kept = await self._one(reader, writer)
            self.connections += 1
            while is_kept:
                is_kept = await self._one(reader, writer)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        fields = fields_of(head)
        if "expect" in fields:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fields.get("transfer-encoding") == "chunked":
            body = await reader.readuntil(b"0\r\n\r\n")
        else:
            body = await reader.readexactly(int(fields.get("content-length", "0")))
        self.seen.append(head + body)
        answer = self.answer(len(self.seen))
        writer.write(answer)
        return bool(answer)


def lines_of(request: bytes) -> list[str]:
    """The lines of a request's head, names of headers as they came."""
    return request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")


def fields_of(request: bytes) -> dict[str, str]:
    """The headers of a request by their names in small letters."""
    pairs = (line.split(": ", 1) for line in lines_of(request)[1:])
    return {name.lower(): value for name, value in pairs}
