"""Who listens to a deployment: one look at the store serves them all, and nobody misses an event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
from fakes.world import ADA, World, text
from fakes.world import world as new_world
from outrider_ground.errors import RemoteError

from outrider.operations.event_details import Warned
from outrider.operations.journal import Journal
from outrider.operations.opening import Order
from outrider.operations.records import Deployment


class Looks:
    """The deployments of a store that count who looks, and fail when told to."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.looks = 0
        self.is_broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def with_id(self, deployment_id: str) -> Any:
        self.looks += 1
        if self.is_broken:
            raise RemoteError("the database went away", status=503)
        return await self._store.with_id(deployment_id)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with new_world(tmp_path) as made:
        yield made


async def under_way(world: World) -> Deployment:
    """A deployment that nobody drives."""
    found = await world.application().changes.deploy("stage", text(), Order(ADA))
    for runner in world.runners:
        await runner.close()
    return found


async def numbers(journal: Journal, deployment: Deployment, after: int = 0) -> list[int]:
    async with aclosing(journal.feed(deployment.id, after)) as feed:
        return [event.number async for event in feed if event is not None]


async def test_seventy_listeners_cost_one_look_and_all_hear_everything(world: World) -> None:
    deployment = await under_way(world)
    store = Looks(world.store.deployments)
    journal = Journal(cast("Any", store), world.store.events, look_s=30)
    listeners = [asyncio.create_task(numbers(journal, deployment, number % 2)) for number in range(70)]
    await asyncio.sleep(0.5)
    assert store.looks == 1
    await journal.note(deployment.id, "something", Warned())
    await journal.end(deployment, "failed", "no reason")
    async with asyncio.timeout(20):
        heard = await asyncio.gather(*listeners)
    assert store.looks <= 4
    whole = [event.number for event in await world.store.events.after(deployment.id)]
    assert whole == list(range(1, len(whole) + 1))
    assert heard == [whole[number % 2 :] for number in range(70)]


async def test_what_another_portal_writes_is_seen_at_the_next_look(world: World) -> None:
    deployment = await under_way(world)
    listener = asyncio.create_task(
        numbers(Journal(world.store.deployments, world.store.events, look_s=0.05), deployment)
    )
    await asyncio.sleep(0.2)
    await Journal(world.store.deployments, world.store.events).end(deployment, "failed", "no reason")
    async with asyncio.timeout(20):
        assert await listener == [event.number for event in await world.store.events.after(deployment.id)]


async def test_a_listener_that_leaves_takes_nothing_from_the_others_and_the_last_ends_the_looking(world: World) -> None:
    deployment = await under_way(world)
    store = Looks(world.store.deployments)
    journal = Journal(cast("Any", store), world.store.events, look_s=0.02)
    first, second = (asyncio.create_task(numbers(journal, deployment)) for _ in range(2))
    await asyncio.sleep(0.2)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    before = store.looks
    await asyncio.sleep(0.3)
    assert store.looks > before
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await asyncio.sleep(0.1)
    before = store.looks
    await asyncio.sleep(0.3)
    assert store.looks == before


async def test_a_store_that_fails_is_told_to_all_and_the_next_listener_looks_anew(world: World) -> None:
    deployment = await under_way(world)
    store = Looks(world.store.deployments)
    journal = Journal(cast("Any", store), world.store.events, look_s=0.02)
    listeners = [asyncio.create_task(numbers(journal, deployment)) for _ in range(3)]
    await asyncio.sleep(0.1)
    store.is_broken = True
    async with asyncio.timeout(20):
        ended = await asyncio.gather(*listeners, return_exceptions=True)
    assert [type(one) for one in ended] == [RemoteError] * 3
    store.is_broken = False
    await journal.end(deployment, "failed", "no reason")
    assert await numbers(journal, deployment, 1) != []


async def test_a_finished_deployment_is_told_from_any_number_on(world: World) -> None:
    deployment = await under_way(world)
    journal = Journal(world.store.deployments, world.store.events)
    await journal.end(deployment, "failed", "no reason")
    whole = await numbers(journal, deployment)
    assert await numbers(journal, deployment, len(whole)) == []
    assert await numbers(journal, deployment, 10**30) == []
