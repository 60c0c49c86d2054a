"""Bodies on a real socket: too large, too slow, too many at once; with a length, and in chunks without one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from outrider_ground.edge.intake import Intake
from outrider_ground.edge.limits import Limits
from outrider_ground.edge.serving import serving
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

SMALL = Limits(body=1_000, held=1_500, small=100, body_s=30, body_rate=1_000_000)


class Counting:
    """Answers with the length of the body; ``held`` keeps answers back."""

    def __init__(self) -> None:
        self.calls = 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.calls += 1
        body = await Request(scope, receive).body()
        await self.go.wait()
        await PlainTextResponse(str(len(body)))(scope, receive, send)


@asynccontextmanager
async def served(limits: Limits) -> AsyncGenerator[tuple[Counting, str]]:
    app = Counting()
    async with serving(Intake(app, limits=limits), "127.0.0.1", 0, grace_s=0.1) as address:
        yield app, address


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
async def test_a_body_of_the_most_passes_and_one_byte_more_does_not(method: str) -> None:
    async with served(SMALL) as (app, address), httpx2.AsyncClient() as client:
        assert (await client.request(method, address, content=b"x" * 1_000)).text == "1000"
        refused = await client.request(method, address, content=b"x" * 1_001)
        assert (refused.status_code, app.calls) == (413, 1)
        assert "at most 1000 bytes" in refused.text


async def test_a_body_without_a_length_is_counted_as_it_comes() -> None:
    async with served(SMALL) as (app, address), httpx2.AsyncClient() as client:
        assert (await client.post(address, content=chunks(b"a" * 500, b"b" * 500))).text == "1000"
        assert (await client.post(address, content=chunks(*[b"x" * 400] * 50))).status_code == 413
        assert app.calls == 1


async def test_a_declared_length_is_refused_before_a_byte_of_it_comes() -> None:
    async with asyncio.timeout(20), served(SMALL) as (app, address):
        answer = await told(
            address, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n\r\n", until=b"1000 bytes"
        )
        assert b" 413 " in answer.splitlines()[0]
        assert app.calls == 0


async def test_a_body_that_does_not_come_is_given_up() -> None:
    limits = Limits(body_s=0.3, body_rate=1_000_000)
    async with asyncio.timeout(20), served(limits) as (app, address):
        answer = await told(address, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", until=b"in time")
        assert b" 408 " in answer.splitlines()[0]
        assert app.calls == 0


async def test_large_bodies_together_have_a_bound_and_small_ones_pass_beside_them() -> None:
    async with asyncio.timeout(30), served(SMALL) as (app, address), httpx2.AsyncClient() as client:
        app.go.clear()
        first = asyncio.create_task(client.post(address, content=b"x" * 1_000))
        while app.calls == 0:  # noqa: ASYNC110  a condition of the server's
            await asyncio.sleep(0.01)
        second = await client.post(address, content=b"x" * 1_000)
        assert (second.status_code, second.headers["retry-after"]) == (503, "1")
        small = asyncio.create_task(client.post(address, content=b"x" * 100))
        while app.calls == 1:  # noqa: ASYNC110  a condition of the server's
            await asyncio.sleep(0.01)
        app.go.set()
        assert ((await first).text, (await small).text) == ("1000", "100")
        assert (await client.post(address, content=b"x" * 1_000)).text == "1000"


async def test_what_a_refused_body_held_is_free_again() -> None:
    async with served(SMALL) as (_, address), httpx2.AsyncClient() as client:
        for _ in range(5):
            assert (await client.post(address, content=chunks(b"x" * 900, b"x" * 900))).status_code == 413
        assert (await client.post(address, content=b"x" * 1_000)).text == "1000"


async def test_a_sender_who_hangs_up_leaves_nothing() -> None:
    async with asyncio.timeout(30), served(SMALL) as (app, address), httpx2.AsyncClient() as client:
        for _ in range(5):
            writer = await begun(address, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"x" * 900)
            await asyncio.sleep(0.05)
            writer.close()
        while (await client.post(address, content=b"x" * 1_000)).status_code != 200:  # noqa: ASYNC110  a condition of the server's
            await asyncio.sleep(0.05)
        assert app.calls == 1


async def begun(address: str, head: bytes) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
    writer.write(head)
    await writer.drain()
    return writer


async def told(address: str, head: bytes, *, until: bytes) -> bytes:
    """What the server says to a request that stays unfinished."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
    writer.write(head)
    said = b""
    with contextlib.suppress(asyncio.IncompleteReadError):
        said = await reader.readuntil(until)
    writer.close()
    return said
