"""Held queries: who waits for which index keys; a change wakes those who wait for it and nobody else."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable


class Watches:
    """Futures by index key."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Future[bool]]] = defaultdict(set)
        self._is_closed = False

    def __len__(self) -> int:
        """How many queries are held."""
        return len(set[asyncio.Future[bool]]().union(*self._waiting.values()))

    async def changed(self, keys: Iterable[str], deadline: float, gone: asyncio.Future[None]) -> bool:
        """Wait until one of ``keys`` changes; False at ``deadline`` (the loop's clock) or when the caller is gone."""
        if self._is_closed or gone.done():
            return False
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[bool] = loop.create_future()
        alarm = loop.call_at(deadline, _resolve, woken, False)
        gone.add_done_callback(lambda _: _resolve(woken, False))
        names = tuple(keys)
        for key in names:
            self._waiting[key].add(woken)
        try:
            return await woken
        finally:
            alarm.cancel()
            self._leave(names, woken)

    def wake(self, keys: Iterable[str]) -> None:
        """These keys have changed."""
        for key in keys:
            for woken in self._waiting.get(key, ()):
                _resolve(woken, True)

    def close(self) -> None:
        """Answer every held query now, and hold none from now on (what Consul does when it stops)."""
        self._is_closed = True
        for waiting in self._waiting.values():
            for woken in waiting:
                _resolve(woken, False)

    def _leave(self, keys: tuple[str, ...], woken: asyncio.Future[bool]) -> None:
        for key in keys:
            self._waiting[key].discard(woken)
            if not self._waiting[key]:
                del self._waiting[key]


def _resolve(woken: asyncio.Future[bool], value: bool) -> None:  # noqa: FBT001  # called by the loop with positions
    if not woken.done():
        woken.set_result(value)
