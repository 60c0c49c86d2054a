"""Held queries: a change wakes those who wait for it and nobody else; nothing is left when they go."""

from __future__ import annotations

import asyncio

import pytest
from outrider_embedded.registry.waiting import Watches


def _held(watches: Watches, *keys: str, gone: asyncio.Future[None], wait_s: float = 60) -> asyncio.Task[bool]:
    deadline = asyncio.get_running_loop().time() + wait_s
    return asyncio.create_task(watches.changed(keys, deadline, gone))


@pytest.fixture
def watches() -> Watches:
    return Watches()


async def test_only_those_who_wait_for_a_key_are_woken(watches: Watches) -> None:
    gone = asyncio.get_running_loop().create_future()
    web, other = _held(watches, "web", "extinction", gone=gone), _held(watches, "other", gone=gone)
    await asyncio.sleep(0)
    assert len(watches) == 2
    watches.wake({"web"})
    assert await web
    assert len(watches) == 1
    watches.close()
    assert not await other
    assert len(watches) == 0


async def test_a_wait_ends_at_its_deadline(watches: Watches) -> None:
    gone = asyncio.get_running_loop().create_future()
    assert not await _held(watches, "web", gone=gone, wait_s=0.01)
    assert len(watches) == 0


async def test_a_caller_that_hangs_up_leaves_no_watch(watches: Watches) -> None:
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    held = _held(watches, "web", gone=gone)
    await asyncio.sleep(0)
    gone.set_result(None)
    assert not await held
    assert len(watches) == 0


async def test_after_the_end_nothing_is_held(watches: Watches) -> None:
    watches.close()
    assert not await _held(watches, "web", gone=asyncio.get_running_loop().create_future())
