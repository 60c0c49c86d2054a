"""Traffic as the sidecars' own counters tell of it: every metrics listener is read twice, a window apart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import httpx2
from outrider_ground.errors import RemoteError

from outrider.clients.sidecar import page
from outrider.operations.ports import Measured, Sidecar
from outrider.telemetry.exposition import samples
from outrider.telemetry.traffic import Counters, Edge, Series, counters, edges, growth

AT_ONCE = 32
# Only series that have ever counted: about 14 KB instead of 640 KB for one sidecar.
SCRAPE = "/stats/prometheus"
ONLY_USED = {"usedonly": ""}


class SidecarTraffic:
    """The Traffic port over metrics listeners; whoever asks says which."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def edges(self, sidecars: Sequence[Sidecar], window_s: float) -> Measured:
        """What flows between these during the next ``window_s`` seconds; one that cannot be read is named with the reason."""
        before = await self._read(sidecars)
        await asyncio.sleep(window_s)
        after = await self._read(sidecars)
        pairs = {one: (before[one], after[one]) for one in sidecars}
        grown = {one: found for one, pair in pairs.items() if (found := _grown(*pair)) is not None}
        unread = [f"{one.service}: {_why(*pair)}" for one, pair in pairs.items() if one not in grown]
        found = tuple(edge for service in _services(grown) for edge in _edges(service, grown, window_s))
        return Measured(found, tuple(unread))

    async def _read(self, sidecars: Sequence[Sidecar]) -> dict[Sidecar, Counters | str]:
        """The counters of every sidecar, or why it could not be read."""
        read = await asyncio.gather(*(self._scrape(sidecar) for sidecar in sidecars))
        return dict(zip(sidecars, read, strict=True))

    async def _scrape(self, sidecar: Sidecar) -> Counters | str:
        try:
            async with self._at_once:
                answer = await page(sidecar.address, SCRAPE, ONLY_USED, self._transport)
        except RemoteError as error:
            return error.message
        return counters(samples(answer.decode(errors="replace")))


def _grown(before: Counters | str, after: Counters | str) -> dict[Series, float] | None:
    """What was added between both readings; None where one of them failed."""
    return None if isinstance(before, str) or isinstance(after, str) else growth(before, after)


def _why(before: Counters | str, after: Counters | str) -> str:
    """The first reading that failed tells enough."""
    return next(said for said in (before, after) if isinstance(said, str))


def _services(grown: Mapping[Sidecar, Counters]) -> list[str]:
    return sorted({sidecar.service for sidecar in grown})


def _edges(service: str, grown: Mapping[Sidecar, Counters], seconds: float) -> tuple[Edge, ...]:
    return edges(service, [counted for sidecar, counted in grown.items() if sidecar.service == service], seconds)
