"""Waiting for something to become true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PAUSE_S = 0.25
Seen = TypeVar("Seen")


async def polled(look: Callable[[], Awaitable[Seen]], is_enough: Callable[[Seen], bool], timeout_s: float) -> Seen:
    """What was seen when it was enough, or last when the time was over; the caller judges."""
    deadline = time.monotonic() + timeout_s
    while True:
        seen = await look()
        if is_enough(seen) or time.monotonic() > deadline:
            return seen
        await asyncio.sleep(PAUSE_S)
