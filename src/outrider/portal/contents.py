"""Artifacts that are being sent, each in memory once however many fetch it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary


class Content:
    """The bytes of one artifact, as long as somebody holds it."""

    __slots__ = ("__weakref__", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data


class Contents:
    """What is being sent now; one artifact is loaded at a time."""

    def __init__(self) -> None:
        self._sent: WeakValueDictionary[str, Content] = WeakValueDictionary()
        self._loading = asyncio.Lock()

    async def content(self, sha256: str, load: Callable[[str], Awaitable[bytes]]) -> Content:
        """The artifact, from those being sent or loaded now; raises what ``load`` raises."""
        async with self._loading:
            found = self._sent.get(sha256)
            if found is None:
                found = self._sent[sha256] = Content(await load(sha256))
            return found
