"""Questions to a server that are asked side by side, a few at a time: its connections are for others as well."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

AT_A_TIME = 8
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


async def in_turns(ask: Callable[[Asked], Awaitable[Answer]], things: Sequence[Asked]) -> list[Answer]:
    """The answers, in the order of the things; the first error is raised."""
    free = asyncio.Semaphore(AT_A_TIME)

    async def one(thing: Asked) -> Answer:
        async with free:
            return await ask(thing)

    return await asyncio.gather(*map(one, things))
