"""WebSockets of a server: only where they are wanted, outside the crowd, and ended with the server."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from outrider_ground.edge.limits import Limits
from outrider_ground.edge.serving import serving
from starlette.types import Message, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "QQ=="}
ENDED: list[str] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Says every text again; /stubborn hears nothing; plain requests are answered with ok."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        try:
            await (_stubborn() if scope["path"] == "/stubborn" else _echo(receive, send))
        finally:
            ENDED.append(scope["path"])


async def _stubborn() -> None:
    await asyncio.sleep(600)


async def _echo(receive: Receive, send: Send) -> None:
    while True:
        message: Message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if message["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})


async def test_a_server_without_them_answers_as_if_nobody_had_asked() -> None:
    async with serving(app, "127.0.0.1", 0) as address, httpx2.AsyncClient() as client:
        assert (await client.get(address, headers=UPGRADE)).text == "ok"


async def test_texts_go_both_ways() -> None:
    served = serving(app, "127.0.0.1", 0, has_websockets=True)
    async with served as address, connect(address.replace("http", "ws"), proxy=None) as socket:
        await socket.send("a" * 100_000)
        assert await socket.recv() == "a" * 100_000


async def test_an_open_one_is_no_late_head_and_gives_way_to_nobody() -> None:
    limits = Limits(head_s=0.3, connections=3)
    served = serving(app, "127.0.0.1", 0, has_websockets=True, limits=limits)
    async with asyncio.timeout(30), served as address, connect(address.replace("http", "ws"), proxy=None) as socket:
        await asyncio.sleep(0.6)
        for _ in range(6):
            async with httpx2.AsyncClient() as client:
                assert (await client.get(address)).text == "ok"
        idle = [await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2])) for _ in range(6)]
        await socket.send("still here")
        assert await socket.recv() == "still here"
        for _, writer in idle:
            writer.close()


@pytest.mark.parametrize("path", ["/", "/stubborn"])
async def test_they_end_with_the_server(path: str) -> None:
    ENDED.clear()
    async with asyncio.timeout(20):
        async with serving(app, "127.0.0.1", 0, grace_s=0.1, has_websockets=True) as address:
            socket = await connect(address.replace("http", "ws") + path, proxy=None)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert [path] == ENDED


async def test_a_head_that_cannot_be_read_is_answered_and_not_held() -> None:
    async with asyncio.timeout(20), serving(app, "127.0.0.1", 0, has_websockets=True) as address:
        with pytest.raises(InvalidStatus) as found:
            await connect(f"{address.replace('http', 'ws')}/{'x' * 9_000}", proxy=None)
    assert found.value.response.status_code == 431
