"""The portal as a server: what must hold on a real socket."""

from __future__ import annotations

import asyncio

import httpx2
from fakes.world import ADA, SPEC, World
from outrider_ground.edge.serving import serving

from outrider.operations.events import PromotionEvent
from outrider.portal.app import portal_app

CANARY = SPEC + "count: 3\nupdate: {canary: 1}\n"


async def test_open_streams_do_not_keep_the_portal_from_ending(world: World) -> None:
    application = world.application()
    async with asyncio.timeout(10), httpx2.AsyncClient() as client:
        async with serving(portal_app(application), "127.0.0.1", 0, grace_s=0.2) as address:
            deployment = await _waiting(client, address)
            stream = asyncio.create_task(_read(client, f"{address}/api/v1/deployments/{deployment}/events"))
            async for event in await application.feed(ADA, deployment):
                if event is not None and event.kind == "promotion":
                    break
        lines = await stream
    assert "event: accepted" in lines
    assert "event: verdict" not in lines


async def test_a_stream_hears_of_an_event_as_it_happens(world: World) -> None:
    application = world.application()
    served = serving(portal_app(application), "127.0.0.1", 0, grace_s=0.2)
    async with asyncio.timeout(10), httpx2.AsyncClient() as client, served as address:
        deployment = await _waiting(client, address)
        stream = asyncio.create_task(_read(client, f"{address}/api/v1/deployments/{deployment}/events"))
        async for event in await application.feed(ADA, deployment):
            if isinstance(event, PromotionEvent) and event.detail.needed:
                await client.post(f"{address}/api/v1/environments/stage/services/checkout/promote")
        lines = await stream
    assert lines[-1] == "event: verdict"


async def _waiting(client: httpx2.AsyncClient, address: str) -> str:
    """A deployment whose canary waits."""
    for spec in (CANARY, CANARY + "env: {A: b}\n"):
        answer = await client.post(f"{address}/api/v1/environments/stage/deployments", json={"spec": spec})
        deployment = answer.json()["id"]
        if spec == CANARY:
            await client.get(f"{address}/api/v1/deployments/{deployment}/events")
    return str(deployment)


async def _read(client: httpx2.AsyncClient, url: str) -> list[str]:
    """The kinds of events up to the end of the stream, however it ends."""
    lines: list[str] = []
    try:
        async with client.stream("GET", url) as response:
            lines += [line async for line in response.aiter_lines() if line.startswith("event:")]
    except httpx2.TransportError:
        pass
    return lines
