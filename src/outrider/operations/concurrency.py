"""Questions that are asked side by side: a few at a time, since a server is there for others as well, or one for many."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

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


def pauses(longest: float) -> Iterator[float]:
    """Between looks at what most often is there at once and else takes its time: short at first, and never longer than this."""
    pause = longest / 10
    while True:
        yield pause
        pause = min(2 * pause, longest)


class Shared(Generic[Answer]):
    """One question for all who ask while the one before is under way; nobody's answer is older than they take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: asyncio.Task[Answer] | None = None
        self._next: asyncio.Task[Answer] | None = None
        self._last: tuple[float, Answer] | None = None

    async def answer(self, ask: Callable[[], Awaitable[Answer]], *, within_s: float = 0) -> Answer:
        """What the question says that begins next, its error where there is one; or one that began within so many seconds."""
        if self._last is not None and within_s and self._clock() - self._last[0] <= within_s:
            return self._last[1]
        if self._next is None:
            self._next = asyncio.create_task(self._answer(self._asked, ask))
        return await asyncio.shield(self._next)

    async def _answer(self, before: asyncio.Task[Answer] | None, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        if before is not None:
            await asyncio.wait([before])
        self._asked, self._next, begun = self._next, None, self._clock()
        found = await ask()
        self._last = begun, found
        return found
