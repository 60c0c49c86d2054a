"""Traffic as the sidecars' own counters tell of it: every metrics listener is read twice, a window apart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx2

from outrider.clients.http import Call, Connection, Server
from outrider.errors import RemoteError
from outrider.operations.ports import Consul, Json
from outrider.telemetry.exposition import samples
from outrider.telemetry.traffic import Counters, Edge, counters, edges, growth
from outrider.topology import names

READ_S = 5.0
AT_ONCE = 32
ADVICE = "The portal must reach the metrics port of allocations."
# Only series that have ever counted: about 14 KB instead of 640 KB for one sidecar.
SCRAPE = ("stats", "prometheus")
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

    async def edges(self, window_s: float) -> tuple[Edge, ...]:
        """What flowed during the next ``window_s`` seconds; a sidecar that cannot be read does not count."""
        sidecars = await self._sidecars()
        before = await self._counters(sidecars)
        await asyncio.sleep(window_s)
        after = await self._counters(sidecars)
        read_twice = sorted(before.keys() & after.keys(), key=lambda sidecar: sidecar.address)
        grown = {sidecar: growth(before[sidecar], after[sidecar]) for sidecar in read_twice}
        return tuple(edge for service in _services(grown) for edge in _edges(service, grown, window_s))

    async def _sidecars(self) -> tuple[Sidecar, ...]:
        catalog = await self._consul.services()
        meshed = sorted(name for name, tags in catalog.items() if names.TAG in tags)
        answers = await asyncio.gather(*(self._consul.health(name) for name in meshed))
        return tuple(
            Sidecar(name, address)
            for name, (entries, _) in zip(meshed, answers, strict=True)
            for entry in entries
            if (address := _metrics_address(entry))
        )

    async def _counters(self, sidecars: Sequence[Sidecar]) -> dict[Sidecar, Counters]:
        """The counters of every sidecar that could be read."""
        read = await asyncio.gather(*(self._scrape(sidecar) for sidecar in sidecars))
        return {sidecar: found for sidecar, found in zip(sidecars, read, strict=True) if found is not None}

    async def _scrape(self, sidecar: Sidecar) -> Counters | None:
        connection = Connection(Server("the sidecar", f"http://{sidecar.address}", ADVICE), self._transport)
        try:
            async with self._at_once:
                answer = await connection.answer(Call("GET", SCRAPE, ONLY_USED, read_s=READ_S))
        except RemoteError:
            return None
        finally:
            await connection.close()
        return counters(samples(answer.text))


def _metrics_address(entry: Json) -> str:
    meta: dict[str, str] = entry["Service"]["Meta"] or {}
    return meta.get(names.META_METRICS, "")


def _services(grown: Mapping[Sidecar, Counters]) -> list[str]:
    return sorted({sidecar.service for sidecar in grown})


def _edges(service: str, grown: Mapping[Sidecar, Counters], seconds: float) -> tuple[Edge, ...]:
    return edges(service, [counted for sidecar, counted in grown.items() if sidecar.service == service], seconds)
