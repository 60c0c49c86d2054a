"""Waiting for what happens in another process: a condition, a bound, and what it was like when the bound came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 20.0  # seconds to wait for what must happen


def eventually(ask: Callable[[], T], patience: float = PATIENCE, pause: float = 0.02) -> T:
    """The first true answer; raise TimeoutError with the last one."""
    deadline = time.monotonic() + patience
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {answer!r} after {patience} s")
        time.sleep(pause)


async def until(condition: Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
    """Wait for a condition; a test that waits in vain fails by the deadline."""
    async with asyncio.timeout(patience):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)
