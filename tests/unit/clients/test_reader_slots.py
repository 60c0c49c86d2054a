"""Readers and followers of output have places of their own, and nobody who reads keeps a deployment from Nomad."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from outrider_ground.edge.serving import serving
from outrider_ground.errors import RemoteError
from starlette.types import Receive, Scope, Send

from outrider.clients.http import MOST_CONNECTIONS
from outrider.clients.nomad import nomad_client
from outrider.clients.nomad_allocations import MOST_FOLLOWED, MOST_STREAMS
from outrider.clients.reader_slots import ReaderSlots
from outrider.server_settings import NomadSettings


async def test_a_follower_too_many_is_told_at_once_and_readers_still_have_places() -> None:
    places = ReaderSlots(2, 3, wait_s=0.05)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(places.one(is_followed=True))
        with pytest.raises(RemoteError, match="being followed") as raised:
            await stack.enter_async_context(places.one(is_followed=True))
        assert raised.value.status == 503
        await stack.enter_async_context(places.one(is_followed=False))
        with pytest.raises(RemoteError, match="being read"):
            await stack.enter_async_context(places.one(is_followed=False))
    async with places.one(is_followed=True), places.one(is_followed=False):
        pass


async def test_seventy_followers_block_no_call_to_nomad() -> None:
    all_are_here = asyncio.Event()
    calls: list[str] = []

    async def nomad(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/v1/jobs":
            calls.append(scope["path"])
            if len(calls) == MOST_CONNECTIONS:
                all_are_here.set()
            await all_are_here.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        if "/logs/" in scope["path"]:
            await send({"type": "http.response.body", "body": b"line\n", "more_body": True})
            await asyncio.sleep(600)
        await send({"type": "http.response.body", "body": b"[]"})

    async with asyncio.timeout(60), serving(nomad, "127.0.0.1", 0, grace_s=0.1) as address:
        client = nomad_client(address, NomadSettings())
        followers = [asyncio.create_task(_first(client.logs("a", "app", follow=True))) for _ in range(70)]
        await asyncio.sleep(1)
        found = await asyncio.gather(*(client.jobs() for _ in range(MOST_CONNECTIONS)))
        assert found == [[]] * MOST_CONNECTIONS, "as many calls at once as without any follower"
        refused = [one for one in followers if one.done()]
        assert len(refused) == 70 - MOST_FOLLOWED
        for one in followers:
            one.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
        await client.close()


def test_all_our_connections_together_are_fewer_than_nomad_allows_an_address() -> None:
    assert MOST_CONNECTIONS + MOST_STREAMS < 100
    assert MOST_FOLLOWED < MOST_STREAMS


async def _first(chunks: object) -> None:
    async for _ in chunks:  # type: ignore[attr-defined]
        await asyncio.sleep(600)
