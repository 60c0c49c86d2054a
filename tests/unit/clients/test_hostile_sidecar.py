"""A metrics listener that is somebody else's: each trick costs little, ends in one error, and is not repeated in it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from outrider_ground.errors import RemoteError

from outrider.clients.sidecar import MOST_BYTES, SidecarClient, page

SECRET = "s3cr3t-from-a-neighbour"
BOMB = gzip.compress(b"0" * 50_000_000)


@asynccontextmanager
async def answering(head: str, body: bytes = b"", *, is_endless: bool = False) -> AsyncGenerator[tuple[str, list[str]]]:
    """An address that answers so, and the request lines that it has seen."""
    seen: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {head}\r\n\r\n".encode() + body)
        try:
            while is_endless:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
    finally:
        server.close()


TRICKS = {
    "refusal": ("403 Forbidden", SECRET.encode(), False, "answered 403"),
    "redirect": ("302 Found\r\nLocation: http://127.0.0.1:1/" + SECRET, b"", False, "answered 302"),
    "bomb": (f"200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(BOMB)}", BOMB, False, "answered compressed"),
    "flood": ("200 OK", b"0" * (MOST_BYTES + 1), False, "answered with more than 4 MB"),
    "drip": ("200 OK", SECRET.encode(), True, "did not answer within 3 s"),
    "no-http": ("x\x00" + SECRET, b"", False, "cannot be reached"),
    "half": ("200 OK\r\nContent-Length: 100", SECRET.encode(), False, "cannot be reached"),
}


@pytest.mark.parametrize("trick", TRICKS)
async def test_a_trick_is_one_short_error(trick: str) -> None:
    head, body, is_endless, expected = TRICKS[trick]
    async with answering(head, body, is_endless=is_endless) as (address, seen):
        with pytest.raises(RemoteError, match=expected) as refused:
            await SidecarClient().endpoints(address)
    assert SECRET not in str(refused.value)
    assert len(seen) == 1


async def test_a_page_of_the_largest_size_is_read_whole() -> None:
    async with answering("200 OK", b"0" * MOST_BYTES) as (address, seen):
        assert len(await page(address, "/stats/prometheus", {"usedonly": ""})) == MOST_BYTES
    assert seen[0].startswith("GET /stats/prometheus?usedonly= HTTP/1.1")
    assert "accept-encoding: identity" in seen[0].lower()
