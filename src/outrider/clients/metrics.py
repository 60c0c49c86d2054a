"""Traffic as the sidecars' own counters tell of it: every metrics listener is read twice, a window apart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx2
from outrider_ground.errors import RemoteError

from outrider.clients.sidecar import page
from outrider.consul.metrics_address import UntrustedAddressError, instance_name, metrics_address
from outrider.documents import Json
from outrider.operations.ports import Consul, Measured
from outrider.telemetry.exposition import samples
from outrider.telemetry.traffic import Counters, Edge, counters, edges, growth
from outrider.topology import names

AT_ONCE = 32
# Only series that have ever counted: about 14 KB instead of 640 KB for one sidecar.
SCRAPE = "/stats/prometheus"
ONLY_USED = {"usedonly": ""}


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One sidecar to be read: the service it belongs to and the address of its metrics listener."""

    service: str
    address: str


class SidecarTraffic:
    """The Traffic port over metrics listeners; the sidecars are those that Consul knows of."""

    def __init__(self, consul: Consul, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._consul = consul
        self._transport = transport
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def edges(self, window_s: float) -> Measured:
        """What flowed during the next ``window_s`` seconds; a sidecar that cannot be read does not count, and is named."""
        sidecars, left_out = await self._sidecars()
        before = await self._counters(sidecars)
        await asyncio.sleep(window_s)
        after = await self._counters(sidecars)
        read_twice = sorted(before.keys() & after.keys(), key=lambda sidecar: sidecar.address)
        grown = {sidecar: growth(before[sidecar], after[sidecar]) for sidecar in read_twice}
        unread = [f"{one.service} at {one.address} could not be read" for one in sidecars if one not in grown]
        found = tuple(edge for service in _services(grown) for edge in _edges(service, grown, window_s))
        return Measured(found, (*left_out, *unread))

    async def _sidecars(self) -> tuple[tuple[Sidecar, ...], tuple[str, ...]]:
        """Those to be read, and what is said of those that are left out."""
        catalog = await self._consul.services()
        meshed = sorted(name for name, tags in catalog.items() if names.TAG in tags)
        answers = await asyncio.gather(*(self._consul.health(name) for name in meshed))
        pairs = [(name, entry) for name, (entries, _) in zip(meshed, answers, strict=True) for entry in entries]
        found = [_sidecar(name, entry) for name, entry in pairs]
        return tuple(one for one in found if isinstance(one, Sidecar)), tuple(
            one for one in found if isinstance(one, str)
        )

    async def _counters(self, sidecars: Sequence[Sidecar]) -> dict[Sidecar, Counters]:
        """The counters of every sidecar that could be read."""
        read = await asyncio.gather(*(self._scrape(sidecar) for sidecar in sidecars))
        return {sidecar: found for sidecar, found in zip(sidecars, read, strict=True) if found is not None}

    async def _scrape(self, sidecar: Sidecar) -> Counters | None:
        try:
            async with self._at_once:
                answer = await page(sidecar.address, SCRAPE, ONLY_USED, self._transport)
        except RemoteError:
            return None
        return counters(samples(answer.decode(errors="replace")))


def _sidecar(service: str, entry: Json) -> Sidecar | str | None:
    """The sidecar of an entry, why it is left out, or None where the entry has none."""
    try:
        address = metrics_address(entry)
    except UntrustedAddressError as error:
        return f"{service} ({instance_name(entry)}): {error}"
    return Sidecar(service, address) if address else None


def _services(grown: Mapping[Sidecar, Counters]) -> list[str]:
    return sorted({sidecar.service for sidecar in grown})


def _edges(service: str, grown: Mapping[Sidecar, Counters], seconds: float) -> tuple[Edge, ...]:
    return edges(service, [counted for sidecar, counted in grown.items() if sidecar.service == service], seconds)
