"""The services that this cluster has in Consul: registered at once, kept registered, forgotten at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from outrider_ground.errors import RemoteError
from outrider_ground.private import written_privately

from outrider_embedded.scheduler.consul import ConsulAgent
from outrider_embedded.scheduler.services import Registration

_RETRY_S = 1.0
_SYNC_S = 30.0


class Catalog:
    """What Consul should know of this cluster; ``file`` names it for the next start, should this one crash."""

    def __init__(self, consul: ConsulAgent, file: Path) -> None:
        self._consul, self._file = consul, file
        self._wanted: dict[str, Registration] = {}
        self._unwanted: set[str] = set()
        self._asked = asyncio.Event()

    async def forget_leftovers(self) -> None:
        """Deregister what a crashed predecessor left."""
        with contextlib.suppress(OSError, ValueError):
            self._unwanted = set(json.loads(self._file.read_text(encoding="utf-8")))
        await self._settle()

    async def register(self, registrations: tuple[Registration, ...]) -> None:
        """Tell Consul of services; where it is away, they follow when it is back."""
        self._wanted |= {one.identifier: one for one in registrations}
        self._save()
        await asyncio.gather(*(self._register(one) for one in registrations))

    async def deregister(self, identifiers: list[str]) -> None:
        for identifier in identifiers:
            self._wanted.pop(identifier, None)
            self._unwanted.add(identifier)
        await self._settle()

    async def keep(self) -> None:
        """Repeat what Consul did not take, and from time to time what it may have lost. Runs until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SYNC_S):
                    await self._asked.wait()
                await asyncio.sleep(_RETRY_S)
            self._asked.clear()
            await self._settle()
            await self._register_lost()

    async def failing_checks(self, registrations: tuple[Registration, ...]) -> list[str]:
        """The checks of these services that are missing, or not as good as their ``OnUpdate`` asks for.

        Of equal checks Consul has one, and Nomad waits for both for ever.
        """
        known = await self._consul.checks()
        wanted = [pair for one in registrations for pair in one.on_update]
        failing = [name for name, on_update in wanted if not _is_good(known.get(name, {}).get("Status"), on_update)]
        return failing + _equal(name for name, _ in wanted)

    async def report(self, check: str, status: str, output: str) -> None:
        with contextlib.suppress(RemoteError):
            await self._consul.report(check, status, output)

    async def _register(self, registration: Registration) -> None:
        try:
            await self._consul.register(registration.document)
        except RemoteError:
            self._asked.set()

    async def _settle(self) -> None:
        await asyncio.gather(*(self._deregister(identifier) for identifier in list(self._unwanted)))
        self._save()

    async def _deregister(self, identifier: str) -> None:
        try:
            await self._consul.deregister(identifier)
        except RemoteError:
            self._asked.set()
        else:
            self._unwanted.discard(identifier)

    async def _register_lost(self) -> None:
        try:
            known = await self._consul.services()
        except RemoteError:
            self._asked.set()
            return
        await asyncio.gather(*(self._register(one) for name, one in list(self._wanted.items()) if name not in known))

    def _save(self) -> None:
        names = sorted({*self._wanted, *self._unwanted})
        written_privately(self._file, json.dumps(names).encode())


def _equal(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _is_good(status: str | None, on_update: str) -> bool:
    accepted = {
        "ignore": {"passing", "warning", "critical"},
        "ignore_warnings": {"passing", "warning"},
    }
    return status in accepted.get(on_update, {"passing"})
