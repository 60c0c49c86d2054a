"""Connections on real sockets: idle ones, slow heads, readers that do not read, and a server that is full of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
import psutil
from outrider_ground.edge.limits import Limits
from outrider_ground.edge.serving import serving
from starlette.types import Receive, Scope, Send

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HELD: set[int] = set()
"""Ports of those whose /held is being answered."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    """``ok``; /held after a long time; /long with 20 MB."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/held":
        HELD.add(scope["client"][1])
        try:
            await asyncio.sleep(600)
        finally:
            HELD.discard(scope["client"][1])
    headers = [(b"content-length", b"2")] if scope["path"] == "/" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(200 if scope["path"] == "/long" else 0):
        await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def crowded(limits: Limits) -> AsyncGenerator[int]:
    """A server with these limits: its port."""
    async with asyncio.timeout(60), serving(_answer, "127.0.0.1", 0, grace_s=0.1, limits=limits) as address:
        yield int(address.rpartition(":")[2])


async def opened(port: int, said: bytes = b"") -> Streams:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    await writer.drain()
    return reader, writer


async def is_answered(port: int) -> bool:
    async with httpx2.AsyncClient(timeout=30) as client:
        return (await client.get(f"http://127.0.0.1:{port}/")).status_code == 200


async def closed(streams: list[Streams]) -> None:
    for _, writer in streams:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def descriptors_of(pid: int) -> int:
    return psutil.Process(pid).num_fds()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server ends the connection."""
    with contextlib.suppress(ConnectionError):
        return await reader.read()
    return b""


async def test_a_connection_that_says_nothing_is_ended() -> None:
    async with crowded(Limits(head_s=0.2)) as port:
        reader, writer = await opened(port)
        assert await ended(reader) == b""
        await closed([(reader, writer)])


async def test_a_head_that_drips_is_ended_however_often_a_byte_comes() -> None:
    async with crowded(Limits(head_s=0.5)) as port:
        reader, writer = await opened(port, b"GET / HTTP/1.1\r\n")
        drip = asyncio.create_task(_drip(writer))
        said = await ended(reader)
        assert said.startswith(b"HTTP/1.1 408 ") or not said, "the next drop may overtake the answer"
        drip.cancel()
        await closed([(reader, writer)])


async def _drip(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"X-A: b\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)


async def test_the_second_head_of_a_connection_has_a_time_too() -> None:
    async with crowded(Limits(head_s=0.4)) as port:
        reader, writer = await opened(port, GET)
        assert b"ok" in await reader.readuntil(b"ok")
        await asyncio.sleep(0.8)
        writer.write(GET)
        assert b"ok" in await reader.readuntil(b"ok"), "between requests a connection may rest"
        writer.write(b"GET / HT")
        assert (await ended(reader)).startswith(b"HTTP/1.1 408 ")
        await closed([(reader, writer)])


async def test_a_request_that_is_answered_late_is_not_ended() -> None:
    async with crowded(Limits(head_s=0.2)) as port:
        reader, writer = await opened(port, b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.8)
        assert not reader.at_eof()
        await closed([(reader, writer)])


async def test_idle_sockets_do_not_make_a_full_server_deaf() -> None:
    async with crowded(Limits(connections=20)) as port:
        crowd = [await opened(port) for _ in range(60)]
        assert await is_answered(port)
        await closed(crowd)


async def test_half_heads_and_kept_connections_give_way_as_well() -> None:
    async with crowded(Limits(connections=20)) as port:
        crowd = [await opened(port, b"GET / HT" if number % 2 else GET) for number in range(60)]
        assert await is_answered(port)
        await closed(crowd)


async def test_senders_that_stand_still_and_readers_that_do_not_read_give_way() -> None:
    slow = b"POST /held HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"
    async with crowded(Limits(connections=20)) as port:
        crowd = [await opened(port, slow if number % 2 else GET.replace(b"/ ", b"/long ")) for number in range(20)]
        await asyncio.sleep(0.5)
        assert await is_answered(port)
        await closed(crowd)


async def test_where_all_are_being_answered_the_next_one_is_told() -> None:
    async with crowded(Limits(connections=3)) as port:
        crowd = [await opened(port, GET.replace(b"/ ", b"/held ")) for _ in range(3)]
        while len(HELD) < 3:  # noqa: ASYNC110  a condition of the server's
            await asyncio.sleep(0.01)
        reader, writer = await opened(port, GET)
        assert (await ended(reader)).startswith(b"HTTP/1.1 503 ")
        await closed([crowd.pop(), (reader, writer)])
        while not await is_answered(port):  # noqa: ASYNC110  a condition of the server's
            await asyncio.sleep(0.05)
        await closed(crowd)


PROGRAM = """
import asyncio, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from outrider_ground.edge.serving import serving
async def app(scope, receive, send):
    if scope["type"] == "http":
        with open(sys.executable, "rb"):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})
async def main():
    async with serving(app, "127.0.0.1", 0) as address:
        print(address, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_a_process_with_256_descriptors_hears_others_beside_300_idle_sockets() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout
        port = int((await process.stdout.readline()).rpartition(b":")[2])
        crowd = [await opened(port) for _ in range(300)]
        for _ in range(5):
            assert await is_answered(port)
        await closed(crowd)
    finally:
        process.kill()
        await process.wait()


async def test_idle_sockets_that_come_all_at_once_leave_descriptors_for_everything_else() -> None:
    """Whoever gives way makes room below: a new socket's low number then says nothing of how many there are."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, stdout=pipe, stderr=pipe)
    try:
        assert process.stdout
        assert process.stderr
        port = int((await process.stdout.readline()).rpartition(b":")[2])
        for _ in range(3):
            burst = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
            assert await is_answered(port)
            assert descriptors_of(process.pid) <= 224
            for one in burst:
                one.close()
        process.kill()
        assert b"Too many open files" not in await process.stderr.read()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
