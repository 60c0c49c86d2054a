"""Slots for those who read output: so many at once, fewer for those who stay."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

WAIT_S = 5.0
BUSY = 503


class ReaderSlots:
    """Readers and followers of one server; whoever finds no slot is told so, instead of waiting for ever."""

    def __init__(self, followed: int, all_together: int, *, wait_s: float = WAIT_S) -> None:
        self._followers = asyncio.Semaphore(followed)
        self._readers = asyncio.Semaphore(all_together - followed)
        self._wait_s = wait_s

    @asynccontextmanager
    async def one(self, *, is_followed: bool) -> AsyncGenerator[None]:
        """A slot while the block runs; RemoteError (503) where there is none: at once, or after ``wait_s``."""
        places = self._followers if is_followed else self._readers
        if is_followed and places.locked():
            raise _no_place("followed", "End one of those that run (Ctrl-C), or read without --follow.")
        try:
            async with asyncio.timeout(self._wait_s):
                await places.acquire()
        except TimeoutError:
            raise _no_place("read", "Try again in a moment.") from None
        try:
            yield
        finally:
            places.release()


def _no_place(what: str, step: str) -> RemoteError:
    return RemoteError(
        f"the output of as many tasks is being {what} as this portal reads at once", status=BUSY, next_step=step
    )
