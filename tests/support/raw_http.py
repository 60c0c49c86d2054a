"""HTTP by bytes: an application that keeps what it got as it came, and clients that say what a test or a recording says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood"


@dataclass
class Seen:
    """A request as it reached the application; ``head`` with its end, chunks joined, trailers as they came."""

    head: bytes
    body: bytes = b""
    trailers: bytes = b""

    @property
    def line(self) -> bytes:
        return self.head.partition(b"\r\n")[0]


@dataclass
class RawApp:
    """Answers by path, ``GOOD`` where none is named; the body is wanted (100) before it is read, if the client asks."""

    answers: Mapping[bytes, bytes] = field(default_factory=dict)
    wants_bodies: bool = True
    seen: list[Seen] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await _head(reader)
        request = Seen(head)
        self.seen.append(request)
        asks = b"\r\nexpect: 100-continue" in head.lower()
        if asks and not self.wants_bodies:
            writer.write(b"HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return False
        if asks:
            writer.write(CONTINUE)
        await _body(reader, request)
        path = request.line.split(b" ")[1].partition(b"?")[0]
        answer = self.answers.get(path, GOOD)
        writer.write(answer.removesuffix(b"good") if head.startswith(b"HEAD ") else answer)
        await writer.drain()
        return not answer.startswith(b"HTTP/1.0")


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Of any size: ``readuntil`` has a limit."""
    head = b""
    while not head.endswith(END):
        head += await reader.readline()
        if reader.at_eof():
            raise asyncio.IncompleteReadError(head, None)
    return head


async def _body(reader: asyncio.StreamReader, request: Seen) -> None:
    if b"\r\ntransfer-encoding: chunked\r\n" not in request.head.lower():
        request.body = await reader.readexactly(_length(request.head))
        return
    while size := int((await reader.readline()).partition(b";")[0], 16):
        request.body += await reader.readexactly(size)
        await reader.readline()
    while (line := await reader.readline()) != b"\r\n":
        request.trailers += line


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


@dataclass
class Said:
    """What came back for a request, and whether the same connection took it a second time."""

    text: bytes
    is_kept: bool

    @property
    def status(self) -> int:
        """Of the last answer: interim ones come before."""
        return int(self.text.rpartition(b"HTTP/1.")[2][2:5])


async def answer_to(port: int, recorded: bytes) -> Said:
    """Sends the request, a second time where the connection is kept; what a recording lacks of its body is filled up.

    A client that expects a 100 sends no body before.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            text = await _asked(reader, writer, recorded)
            if _closes(text):
                return Said(text + await reader.read(), is_kept=False)
            return Said(text, is_kept=await _asked(reader, writer, recorded) != b"")
    finally:
        writer.close()


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recorded: bytes) -> bytes:
    head, _, body = recorded.partition(END)
    missing = b"" if b"chunked" in head.lower() else b"x" * (_length(head) - len(body))
    if b"\r\nexpect: 100" not in head.lower():
        writer.write(recorded + missing)
        return await _answer(reader)
    writer.write(head + END)
    interim = await reader.readuntil(END)
    writer.write(body + missing)
    return interim + await _answer(reader)


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Head and body; a body without a length is left to the one who knows that the connection ends."""
    head = await _head(reader)
    return head + await reader.readexactly(_length(head))


def _closes(answer: bytes) -> bool:
    return b"\r\nconnection: close" in answer.lower()


async def only_answer(port: int, request: bytes) -> bytes:
    """Head and body of the first answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            writer.write(request)
            return await _answer(reader)
    finally:
        writer.close()


async def said_back(port: int, *parts: bytes) -> bytes:
    """Everything that comes back until the connection ends, or until nothing comes for half a second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        for part in parts:
            writer.write(part)
            await writer.drain()
        while more := await asyncio.wait_for(reader.read(65_536), 0.5):
            said += more
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return said
