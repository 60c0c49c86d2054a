"""Serving: an address to reach, a clear word where the port is taken, an end that waits for nobody for long."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from outrider_ground.edge.serving import serving
from outrider_ground.errors import OutriderError
from starlette.types import Receive, Scope, Send


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    """``ok`` at once; /held after a long time; /begun says something first."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/held":
        await asyncio.sleep(600)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    if scope["path"] == "/begun":
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await asyncio.sleep(600)
    await send({"type": "http.response.body", "body": b"ok"})


async def test_any_free_port_is_taken_and_named() -> None:
    async with serving(_answer, "127.0.0.1", 0) as address, httpx2.AsyncClient() as client:
        assert (await client.get(address)).text == "ok"


async def test_a_busy_port_is_named() -> None:
    async with serving(_answer, "127.0.0.1", 0) as address:
        port = int(address.rpartition(":")[2])
        with pytest.raises(OutriderError, match=f"port {port} on 127.0.0.1 is taken"):
            async with serving(_answer, "127.0.0.1", port):
                pass


async def test_a_foreign_address_is_refused() -> None:
    with pytest.raises(OutriderError, match=r"cannot listen on 192\.0\.2\.1:0"):
        async with serving(_answer, "192.0.2.1", 0):
            pass


async def test_the_port_is_free_again_afterwards() -> None:
    async with serving(_answer, "127.0.0.1", 0) as address:
        port = int(address.rpartition(":")[2])
    async with serving(_answer, "127.0.0.1", port) as again:
        assert again == address


async def test_a_held_request_is_broken_off_at_the_end() -> None:
    async with httpx2.AsyncClient(timeout=60) as client:
        async with serving(_answer, "127.0.0.1", 0, grace_s=0.1) as address:
            held = asyncio.create_task(client.get(f"{address}/held"))
            await asyncio.sleep(0.3)
        assert (await held).status_code == 503


async def test_a_stream_that_has_begun_ends_at_the_end() -> None:
    async with httpx2.AsyncClient(timeout=60) as client:
        async with serving(_answer, "127.0.0.1", 0, grace_s=0.1) as address:
            begun = asyncio.create_task(client.get(f"{address}/begun"))
            await asyncio.sleep(0.3)
        assert (await begun).text == "begun"


async def test_a_caller_that_does_not_read_keeps_nobody_from_ending() -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})

    async with asyncio.timeout(20):
        async with serving(endless, "127.0.0.1", 0, grace_s=0.1) as address:
            _, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]), limit=1)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(0.5)
        writer.close()


async def test_a_request_that_is_nearly_done_is_waited_for() -> None:
    released = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await released.wait()
            await _answer(scope, receive, send)

    async with httpx2.AsyncClient(timeout=60) as client:
        async with serving(slow, "127.0.0.1", 0, grace_s=30) as address:
            request = asyncio.create_task(client.get(address))
            await asyncio.sleep(0.3)
            asyncio.get_running_loop().call_later(0.2, released.set)
        assert (await request).text == "ok"
